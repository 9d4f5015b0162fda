//! The columns of the operation table and the words in which its rows are written.
//! It must not read a request nor name an operation.

use super::Operation;
use crate::s3::action::Action;
use crate::s3::address::Endpoint;
use crate::s3::requirement::Kind;

/// One way to call an operation. Method and scope are those of the list that the row stands in.
#[derive(Debug)]
pub(crate) struct Row {
    /// What is called.
    pub(crate) operation: Operation,
    /// The name under which this very request is known today, if `operation` is an old one.
    pub(crate) alias_of: Option<Operation>,
    /// The kind of endpoint that has the operation.
    pub(crate) endpoint: Endpoint,
    /// The sub-resource in the query that selects the operation.
    pub(crate) selector: Option<&'static str>,
    /// What else must stand in the query.
    pub(crate) query: &'static [Term],
    /// What must not stand in the query.
    pub(crate) query_absent: &'static [&'static str],
    /// What must stand among the headers, or among the query parameters that stand in for headers.
    pub(crate) headers: &'static [Term],
    /// What must not stand there.
    pub(crate) headers_absent: &'static [&'static str],
    /// The query parameters that the operation can have besides; `None`: any.
    pub(crate) params: Option<&'static [&'static str]>,
    /// What must be allowed.
    pub(crate) needs: &'static [Need],
}

/// A condition on a query parameter or header.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) name: &'static str,
    pub(crate) value: TermValue,
}

/// What a [`Term`] asks of the value.
#[derive(Debug)]
pub(crate) enum TermValue {
    /// Nothing.
    Any,
    /// To be this text.
    Equals(&'static str),
    /// To begin with this text, letter case ignored.
    StartsWith(&'static str),
}

/// One action that must be allowed on one resource, if every condition holds.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) action: Action,
    pub(crate) on: On,
    pub(crate) kind: Kind,
    pub(crate) when: &'static [When],
}

/// Which resource a [`Need`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Service,
    Bucket,
    Object,
    /// The object that `x-amz-copy-source` names.
    CopySource,
    /// Every object that the body of `DeleteObjects` names.
    BodyObjects,
    /// The object that the form of `PostObject` names.
    FormObject,
}

/// A condition of a [`Need`]. "Header" is a header or the query parameter that stands in for it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    Query(&'static str),
    NotQuery(&'static str),
    Header(&'static str),
    AnyHeader(&'static [&'static str]),
    /// Present with this value, letter case ignored.
    HeaderEquals(&'static str, &'static str),
    /// Absent, or present with another value.
    HeaderNotEquals(&'static str, &'static str),
    /// Whether `x-amz-copy-source` names a version.
    CopySourceVersion(bool),
    /// Whether a key of the body comes with a version: decided for each key when the body is read.
    BodyKeyVersion(bool),
    /// A field of the form: decided when the form is read.
    FormField(&'static str),
}

/// Any header that sets an access control list.
pub(crate) const ANY_ACL: When = When::AnyHeader(super::ACL_HEADERS);

/// Any header that sets a retention period.
pub(crate) const ANY_LOCK: When =
    When::AnyHeader(&["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"]);

impl Row {
    /// An operation that no sub-resource selects.
    pub(crate) const fn plain(operation: Operation) -> Self {
        Self {
            operation,
            alias_of: None,
            endpoint: Endpoint::S3,
            selector: None,
            query: &[],
            query_absent: &[],
            headers: &[],
            headers_absent: &[],
            params: Some(&[]),
            needs: &[],
        }
    }

    /// An operation that a sub-resource selects.
    pub(crate) const fn selected(operation: Operation, selector: &'static str) -> Self {
        Self { selector: Some(selector), ..Self::plain(operation) }
    }

    pub(crate) const fn alias_of(self, current: Operation) -> Self {
        Self { alias_of: Some(current), ..self }
    }

    pub(crate) const fn endpoint(self, endpoint: Endpoint) -> Self {
        Self { endpoint, ..self }
    }

    pub(crate) const fn query(self, query: &'static [Term]) -> Self {
        Self { query, ..self }
    }

    pub(crate) const fn query_absent(self, query_absent: &'static [&'static str]) -> Self {
        Self { query_absent, ..self }
    }

    pub(crate) const fn headers(self, headers: &'static [Term]) -> Self {
        Self { headers, ..self }
    }

    pub(crate) const fn headers_absent(self, headers_absent: &'static [&'static str]) -> Self {
        Self { headers_absent, ..self }
    }

    pub(crate) const fn params(self, params: &'static [&'static str]) -> Self {
        Self { params: Some(params), ..self }
    }

    pub(crate) const fn any_params(self) -> Self {
        Self { params: None, ..self }
    }

    pub(crate) const fn needs(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }

    /// How many conditions a request must meet: of several rows that fit, the one with most is meant.
    pub(crate) const fn conditions(&self) -> usize {
        self.query.len() + self.query_absent.len() + self.headers.len() + self.headers_absent.len()
    }
}

impl Need {
    const fn on(action: Action, on: On) -> Self {
        Self { action, on, kind: Kind::Always, when: &[] }
    }

    pub(crate) const fn when(self, when: &'static [When]) -> Self {
        Self { when, ..self }
    }

    pub(crate) const fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }
}

/// The name is there.
pub(crate) const fn has(name: &'static str) -> Term {
    Term { name, value: TermValue::Any }
}

/// The name is there with this value.
pub(crate) const fn equals(name: &'static str, value: &'static str) -> Term {
    Term { name, value: TermValue::Equals(value) }
}

/// The name is there with a value that begins with this text.
pub(crate) const fn starts_with(name: &'static str, value: &'static str) -> Term {
    Term { name, value: TermValue::StartsWith(value) }
}

/// On the service.
pub(crate) const fn service(action: Action) -> Need {
    Need::on(action, On::Service)
}

/// On the bucket of the address.
pub(crate) const fn bucket(action: Action) -> Need {
    Need::on(action, On::Bucket)
}

/// On the object of the address.
pub(crate) const fn object(action: Action) -> Need {
    Need::on(action, On::Object)
}

/// On the object of the address, if the request names no version.
pub(crate) const fn current(action: Action) -> Need {
    object(action).when(&[When::NotQuery("versionId")])
}

/// On the object of the address, if the request names a version.
pub(crate) const fn version(action: Action) -> Need {
    object(action).when(&[When::Query("versionId")])
}

/// On the source of a copy.
pub(crate) const fn source(action: Action) -> Need {
    Need::on(action, On::CopySource)
}

/// On every object that the body names.
pub(crate) const fn body_objects(action: Action) -> Need {
    Need::on(action, On::BodyObjects)
}

/// On the object that the form names.
pub(crate) const fn form_object(action: Action) -> Need {
    Need::on(action, On::FormObject)
}
