//! How a link was used so far, and the one machine that says what comes next: reserve, keep, settle.
//! It must not ask a clock or keep itself: a store hands it the time and makes each step atomic.
//!
//! A *use* belongs to one client. It is opened by a request that moves bytes and is spent once the object's bytes have
//! been delivered; ranges add up. A use under way counts as spent for everybody else. One that was given up half-way
//! gives its place back, but its bytes are carried over to the next, so no number of broken downloads delivers an object
//! more often than it is allowed. After its end a use stays open to its client for the grace time.
//!
//! Each request under way is a *hold* with a lease. A hold whose gate died is found when its lease is over, and what it
//! held counts as used: nobody knows how much of it arrived.

pub mod delivery;

use super::claim::{Ask, LinkClaim, Refusal};
use delivery::Delivery;
use serde::{Deserialize, Serialize};

/// For how long a hold lives without a sign of life, in milliseconds.
pub const LEASE_MILLIS: i64 = 60_000;

/// How a link was used. Numbers stay below 2^53, so that every store can count them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkState {
    /// Uses that are gone.
    pub spent: u64,
    /// Bytes of the object that were delivered by uses given up; less than `size`.
    pub carry: u64,
    /// Bytes of the object, as it was last told; 0 is not known.
    pub size: u64,
    /// Bytes moved in total, by requests that have ended.
    pub bytes: u64,
    /// The network that the link is bound to.
    pub pin: Option<Box<str>>,
    /// Whether something was delivered there, which binds for good.
    pub pinned: bool,
    /// When this can be forgotten, in milliseconds since 1970.
    pub until: i64,
    /// Uses under way or within their grace time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// Requests under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
}

/// A use under way or within its grace time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Use {
    /// The token of the request that opened it.
    pub id: u64,
    /// Whose it is.
    pub client: Box<str>,
    /// When it was opened or last seen to go on.
    pub last: i64,
    /// When it was spent; 0 while it is not.
    pub done: i64,
    /// Bytes of the object that it delivered, those carried over included.
    pub got: u64,
    /// Whether it delivered any itself.
    pub begun: bool,
}

/// A request under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// The token of the request.
    pub token: u64,
    /// The use that it is part of; 0 if uses are not counted.
    pub part: u64,
    /// When it counts as lost.
    pub lease: i64,
    /// Bytes that are set aside for it; 0 if bytes are not counted.
    pub limit: u64,
    /// Bytes of the object that it may deliver; -1 is not known.
    pub want: i64,
}

/// The answer to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The request may go on, with so many bytes if they are counted.
    Granted(Option<u64>),
    /// It may not.
    Refused(Refusal),
}

/// What the head of an answer tells about a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Bytes of the object; 0 is not known.
    pub size: u64,
    /// Bytes of this answer.
    pub length: u64,
}

impl LinkState {
    /// Whether nothing is known that is worth keeping.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let Self { spent: 0, carry: 0, bytes: 0, pin: None, uses, holds, .. } = self else { return false };
        uses.is_empty() && holds.is_empty()
    }

    /// Asks for a claim under a token that no other request has. Asked twice, it answers the same: a store may have to
    /// ask again when the answer is lost.
    pub fn reserve(&mut self, claim: &LinkClaim, token: u64, now: i64) -> Answer {
        self.tidy(claim.terms.grace, now);
        self.until = self.until.max(claim.terms.until.millis());
        if let Some(hold) = self.holds.iter().find(|hold| hold.token == token) {
            return Answer::Granted(claim.terms.max_bytes.map(|_| hold.limit));
        }
        match self.try_reserve(claim, token, now) {
            Ok(limit) => Answer::Granted(limit),
            Err(refusal) => Answer::Refused(refusal),
        }
    }

    fn try_reserve(&mut self, claim: &LinkClaim, token: u64, now: i64) -> Result<Option<u64>, Refusal> {
        let terms = &claim.terms;
        if let (Some(pin), Some(network)) = (&self.pin, &terms.network)
            && pin != network
        {
            return Err(Refusal::Pin);
        }
        let part = match terms.max_uses {
            None => Part::None,
            Some(max) => self.part(claim, max, now)?,
        };
        if claim.ask == Ask::Look {
            return Ok(None);
        }
        let limit = terms.max_bytes.map(|max| self.allot(claim.ask, max)).transpose()?;
        // nothing refuses any more: from here on the state changes
        let part = match part {
            Part::None => 0,
            Part::Old(id) => id,
            Part::New => {
                let got = std::mem::take(&mut self.carry);
                let client = claim.client.clone();
                self.uses.push(Use { id: token, client, last: now, done: 0, got, begun: false });
                token
            }
        };
        if self.pin.is_none() {
            self.pin.clone_from(&terms.network);
        }
        let want = match claim.ask {
            Ask::Download(Some(length)) => signed(length),
            _ => -1,
        };
        let lease = now.saturating_add(LEASE_MILLIS);
        self.holds.push(Hold { token, part, lease, limit: limit.unwrap_or(0), want });
        Ok(limit)
    }

    /// The use that a request is part of.
    fn part(&self, claim: &LinkClaim, max: u32, now: i64) -> Result<Part, Refusal> {
        if let Some(open) = self.uses.iter().rev().find(|open| open.client == claim.client)
            && (self.fits(open, claim.ask) || is_within_grace(open, claim.terms.grace, now))
        {
            return Ok(Part::Old(open.id));
        }
        let open = self.uses.iter().filter(|open| open.done == 0).count();
        let taken = self.spent.saturating_add(u64::try_from(open).unwrap_or(u64::MAX));
        if taken < u64::from(max) { Ok(Part::New) } else { Err(Refusal::Uses) }
    }

    /// Whether a range, together with what was delivered and is under way, is no more than the object once.
    fn fits(&self, open: &Use, ask: Ask) -> bool {
        let Ask::Download(Some(length)) = ask else { return false };
        let mut sum = open.got.saturating_add(length);
        for hold in self.holds.iter().filter(|hold| hold.part == open.id) {
            let Ok(want) = u64::try_from(hold.want) else { return false };
            sum = sum.saturating_add(want);
        }
        open.done == 0 && self.size > 0 && sum <= self.size
    }

    /// Sets bytes aside: of a known number all or as many as are left, else all that are left.
    fn allot(&self, ask: Ask, max: u64) -> Result<u64, Refusal> {
        let held = self.holds.iter().fold(0_u64, |sum, hold| sum.saturating_add(hold.limit));
        let unused = max.saturating_sub(self.bytes);
        let free = unused.saturating_sub(held);
        let (least, wanted) = match ask {
            Ask::Look | Ask::Upload(Some(0)) => (0, 0),
            // an upload goes through whole or not at all
            Ask::Upload(Some(length)) => (length, length),
            Ask::Download(Some(length)) => (1, length.max(1)),
            Ask::Upload(None) | Ask::Download(None) => (1, free),
        };
        if least > unused {
            Err(Refusal::Bytes)
        } else if least > free {
            Err(Refusal::Busy)
        } else {
            Ok(wanted.min(free))
        }
    }

    /// A sign of life of a request, with what the head of its answer told. What was set aside for more goes back.
    pub fn keep(&mut self, token: u64, told: Option<Told>, now: i64) {
        let Some(hold) = self.holds.iter_mut().find(|hold| hold.token == token) else { return };
        hold.lease = now.saturating_add(LEASE_MILLIS);
        if let Some(told) = told {
            hold.want = signed(told.length);
            hold.limit = hold.limit.min(told.length);
            if told.size > 0 {
                self.size = told.size;
            }
        }
        let part = hold.part;
        if let Some(open) = self.uses.iter_mut().find(|open| open.id == part) {
            open.last = open.last.max(now);
        }
    }

    /// The end of a request. One whose lease is over was settled before: it counts in full.
    pub fn settle(&mut self, token: u64, delivery: &Delivery, grace: u64, now: i64) {
        let Some(at) = self.holds.iter().position(|hold| hold.token == token) else { return };
        let hold = self.holds.remove(at);
        self.bytes = self.bytes.saturating_add(delivery.moved);
        if delivery.size > 0 {
            self.size = delivery.size;
        }
        let size = self.size;
        let idle = self.holds.iter().all(|other| other.part != hold.part);
        if let Some(at) = self.uses.iter().position(|open| open.id == hold.part)
            && let Some(open) = self.uses.get_mut(at)
        {
            open.got = open.got.saturating_add(delivery.got);
            if delivery.delivered() {
                open.last = open.last.max(now);
                open.begun = true;
            }
            if open.done == 0 && (delivery.whole || (delivery.got > 0 && size > 0 && open.got >= size)) {
                open.done = now;
                self.spent = self.spent.saturating_add(1);
            } else if open.done == 0 && idle && !open.begun {
                // nothing came of it: its place is free at once
                let open = self.uses.remove(at);
                self.give_up(open.got);
            }
        }
        if delivery.delivered() {
            self.pinned |= self.pin.is_some();
        } else if !self.pinned && self.holds.is_empty() {
            self.pin = None;
        }
        self.tidy(grace, now);
        // a link that was used up is kept for a long time: its lists must not hold the room that they needed once
        shrink(&mut self.uses);
        shrink(&mut self.holds);
    }

    /// Counts what dead gates held as used, and closes uses whose time is over.
    fn tidy(&mut self, grace: u64, now: i64) {
        while let Some(at) = self.holds.iter().position(|hold| hold.lease <= now) {
            let lost = self.holds.remove(at);
            self.bytes = self.bytes.saturating_add(lost.limit);
            self.pinned |= self.pin.is_some();
            if let Some(open) = self.uses.iter_mut().find(|open| open.id == lost.part && open.done == 0) {
                open.done = lost.lease;
                self.spent = self.spent.saturating_add(1);
            }
        }
        while let Some(at) = self.uses.iter().position(|open| self.is_over(open, grace, now)) {
            let open = self.uses.remove(at);
            if open.done == 0 {
                self.give_up(open.got);
            }
        }
    }

    fn is_over(&self, open: &Use, grace: u64, now: i64) -> bool {
        !is_within_grace(open, grace, now) && self.holds.iter().all(|hold| hold.part != open.id)
    }

    /// Carries the bytes of a use that was given up over to the next.
    fn give_up(&mut self, got: u64) {
        self.carry = self.carry.saturating_add(got);
        if self.size > 0 && self.carry >= self.size {
            self.carry -= self.size;
            self.spent = self.spent.saturating_add(1);
        }
    }
}

/// What a request is part of.
enum Part {
    None,
    Old(u64),
    New,
}

/// Whether the client of a use can still come back to it.
fn is_within_grace(open: &Use, grace: u64, now: i64) -> bool {
    let since = if open.done == 0 { open.last } else { open.done };
    now < since.saturating_add(signed(grace))
}

fn shrink<T>(list: &mut Vec<T>) {
    if list.len() < list.capacity() {
        list.shrink_to_fit();
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod explore;
#[cfg(test)]
mod tests;
