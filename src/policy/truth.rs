//! The three answers of a test: yes, no, and "cannot be known".
//! It must not decide what not knowing leads to: a Deny and an Allow read it differently.

/// What a test says about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// The test does not hold.
    No,
    /// The test holds.
    Yes,
    /// A value of the request cannot be typed or is not known: counts as a match in a Deny, as none in an Allow.
    Unknown,
}

impl Truth {
    /// Both: no if either is no, else unknown if either is unknown.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }

    /// Either: yes if one is yes, else unknown if one is unknown.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::No, Self::No) => Self::No,
        }
    }

    /// The opposite answer; unknown stays unknown.
    #[must_use]
    pub const fn negated_if(self, negated: bool) -> Self {
        match (self, negated) {
            (Self::Yes, true) => Self::No,
            (Self::No, true) => Self::Yes,
            _ => self,
        }
    }

    /// Whether any of the answers is yes; stops at the first that is.
    pub fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::No;
        for answer in answers {
            all = all.or(answer);
            if all == Self::Yes {
                break;
            }
        }
        all
    }

    /// Whether all of the answers are yes; stops at the first no.
    pub fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Yes;
        for answer in answers {
            all = all.and(answer);
            if all == Self::No {
                break;
            }
        }
        all
    }
}

impl From<bool> for Truth {
    fn from(answer: bool) -> Self {
        if answer { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, No, Unknown, Yes};

    #[test]
    fn not_knowing_loses_to_a_certain_answer() {
        for (left, right, and, or) in [
            (Yes, Yes, Yes, Yes),
            (Yes, No, No, Yes),
            (Yes, Unknown, Unknown, Yes),
            (No, Unknown, No, Unknown),
            (Unknown, Unknown, Unknown, Unknown),
            (No, No, No, No),
        ] {
            assert_eq!((left.and(right), right.and(left)), (and, and), "{left:?} and {right:?}");
            assert_eq!((left.or(right), right.or(left)), (or, or), "{left:?} or {right:?}");
            assert_eq!(Truth::any([left, right]), or);
            assert_eq!(Truth::all([left, right]), and);
        }
        assert_eq!(Unknown.negated_if(true), Unknown);
        assert_eq!(Yes.negated_if(true), No);
        assert_eq!(No.negated_if(false), No);
    }
}
