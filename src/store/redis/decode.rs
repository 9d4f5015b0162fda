//! The state of a link out of the flat list of texts that the script tells it in.
//! It must not guess: a list that is too short or too long is no state.

use crate::links::state::{Hold, LinkState, Use};
use std::slice::Iter;

/// Takes texts off the front, one by one.
struct Fields<'f>(Iter<'f, String>);

impl Fields<'_> {
    fn text(&mut self) -> Option<Box<str>> {
        self.0.next().map(|text| text.as_str().into())
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.0.next()?.parse().ok()
    }

    fn flag(&mut self) -> Option<bool> {
        self.number::<u8>().map(|flag| flag == 1)
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count: usize = self.number()?;
        (0..count.min(self.0.len())).map(|_| item(self)).collect()
    }
}

pub(super) fn state(fields: &[String]) -> Option<LinkState> {
    let mut fields = Fields(fields.iter());
    let state = LinkState {
        spent: fields.number()?,
        carry: fields.number()?,
        size: fields.number()?,
        bytes: fields.number()?,
        pin: fields.text().map(|pin| Some(pin).filter(|pin| !pin.is_empty()))?,
        pinned: fields.flag()?,
        until: fields.number()?,
        uses: fields.list(|fields| {
            Some(Use {
                id: fields.number()?,
                client: fields.text()?,
                last: fields.number()?,
                done: fields.number()?,
                got: fields.number()?,
                begun: fields.flag()?,
            })
        })?,
        holds: fields.list(|fields| {
            Some(Hold {
                token: fields.number()?,
                part: fields.number()?,
                lease: fields.number()?,
                limit: fields.number()?,
                want: fields.number()?,
            })
        })?,
    };
    fields.0.next().is_none().then_some(state)
}
