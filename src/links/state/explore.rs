//! Every order of the steps of a few clients, time passing and gates dying included, and what must hold in all of them.
//! It must not pick: the whole tree of steps is walked, states that were seen once are not walked again.

use super::*;
use crate::clock::UnixMillis;
use crate::links::claim::Terms;
use crate::links::identity::LinkId;
use std::collections::HashSet;

const SIZE: u64 = 4;

/// What a client does.
#[derive(Clone, Copy, Debug)]
struct Plan {
    client: &'static str,
    ask: Ask,
    /// How often it may try.
    tries: u8,
}

/// Where a client is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum At {
    /// Not asked yet, or asked in vain.
    Idle,
    /// Its request is under way; whether the head of the answer came.
    Holding { token: u64, limit: Option<u64>, told: bool },
    /// Its gate died after it had sent so much.
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    state: LinkState,
    now: i64,
    at: Vec<(At, u8)>,
    /// Bytes that each client got.
    got: Vec<u64>,
    moved: u64,
    /// Tokens given out.
    tokens: u64,
}

struct Model {
    plans: Vec<Plan>,
    max_uses: Option<u32>,
    max_bytes: Option<u64>,
    grace: u64,
    deaths: bool,
    seen: HashSet<World>,
}

impl Model {
    fn start(&mut self) -> usize {
        let world = World {
            state: LinkState::default(),
            now: 1,
            at: self.plans.iter().map(|plan| (At::Idle, plan.tries)).collect(),
            got: vec![0; self.plans.len()],
            moved: 0,
            tokens: 0,
        };
        self.walk(&world);
        self.seen.len()
    }

    fn terms(&self) -> Terms {
        let until = UnixMillis::from_secs(1_000_000);
        Terms { max_uses: self.max_uses, max_bytes: self.max_bytes, network: None, grace: self.grace, until }
    }

    fn walk(&mut self, world: &World) {
        self.check(world);
        if !self.seen.insert(world.clone()) {
            return;
        }
        for next in self.steps(world) {
            self.walk(&next);
        }
    }

    fn steps(&self, world: &World) -> Vec<World> {
        let mut next = Vec::new();
        for (index, plan) in self.plans.iter().enumerate() {
            match world.at[index].clone() {
                (At::Idle, tries @ 1..) => {
                    let mut world = world.clone();
                    world.tokens += 1;
                    let token = world.tokens;
                    let claim = LinkClaim {
                        id: LinkId::from_bytes([0; 16]),
                        client: plan.client.into(),
                        ask: plan.ask,
                        terms: self.terms(),
                    };
                    let at = match world.state.reserve(&claim, token, world.now) {
                        Answer::Granted(limit) => At::Holding { token, limit, told: false },
                        Answer::Refused(_) => At::Idle,
                    };
                    world.at[index] = (at, tries - 1);
                    next.push(world);
                }
                (At::Holding { token, limit, told: false }, tries) => {
                    let mut told = world.clone();
                    let length = Self::length(plan.ask);
                    if limit.is_none_or(|limit| length <= limit) {
                        told.state.keep(token, Some(Told { size: SIZE, length }), told.now);
                        told.at[index] = (At::Holding { token, limit, told: true }, tries);
                        next.push(told);
                    }
                    next.push(self.ended(world, index, token, tries, 0));
                }
                (At::Holding { token, told: true, .. }, tries) => {
                    let length = Self::length(plan.ask);
                    next.extend(
                        [0, length / 2, length].map(|got| self.ended(world, index, token, tries, got)),
                    );
                    if self.deaths {
                        let mut dead = world.clone();
                        dead.got[index] += length;
                        dead.moved += length;
                        dead.at[index] = (At::Dead, 0);
                        next.push(dead);
                    }
                }
                _ => {}
            }
        }
        // time passes until the next thing that can happen by itself
        let idle = world.at.iter().all(|(at, _)| !matches!(at, At::Holding { .. }));
        if world.now < 1 + 3 * LEASE_MILLIS && idle {
            next.push(World { now: world.now + LEASE_MILLIS, ..world.clone() });
        }
        next
    }

    fn ended(&self, world: &World, index: usize, token: u64, tries: u8, got: u64) -> World {
        let mut world = world.clone();
        let delivery = Delivery { got, size: if got > 0 { SIZE } else { 0 }, whole: false, moved: got };
        world.state.settle(token, &delivery, self.grace, world.now);
        world.got[index] += got;
        world.moved += got;
        world.at[index] = (At::Idle, tries);
        world
    }

    fn length(ask: Ask) -> u64 {
        match ask {
            Ask::Download(Some(length)) => length,
            _ => SIZE,
        }
    }

    fn check(&self, world: &World) {
        let state = &world.state;
        if let Some(max) = self.max_bytes {
            assert!(world.moved <= max, "{} bytes of {max} in {world:#?}", world.moved);
        }
        if let Some(max) = self.max_uses {
            let open = state.uses.iter().filter(|open| open.done == 0).count() as u64;
            assert!(state.spent + open <= u64::from(max), "{world:#?}");
            if self.grace == 0 {
                // broken downloads may add less than one object to each use
                let total: u64 = world.got.iter().sum();
                assert!(total < u64::from(max) * SIZE * 2, "{total} bytes in {world:#?}");
            }
        }
        // nothing is left behind when nobody is there
        let holding = world.at.iter().filter(|(at, _)| !matches!(at, At::Idle)).count();
        assert!(state.holds.len() <= holding, "{world:#?}");
        if holding == 0 {
            assert!(state.holds.is_empty(), "{world:#?}");
        }
        assert!(state.carry < SIZE, "{world:#?}");
    }
}

fn model(plans: &[Plan], max_uses: Option<u32>, max_bytes: Option<u64>, grace: u64, deaths: bool) -> usize {
    Model { plans: plans.to_vec(), max_uses, max_bytes, grace, deaths, seen: HashSet::new() }.start()
}

const fn plan(client: &'static str, ask: Ask, tries: u8) -> Plan {
    Plan { client, ask, tries }
}

const WHOLE: Ask = Ask::Download(None);
const HALF: Ask = Ask::Download(Some(SIZE / 2));

#[test]
fn uses_hold_in_every_order() {
    for grace in [0, 1000] {
        let plans = [plan("a", WHOLE, 2), plan("b", HALF, 1), plan("a", HALF, 1)];
        for max in [1, 2] {
            assert!(model(&plans, Some(max), None, grace, true) > 500);
        }
    }
}

#[test]
fn bytes_hold_in_every_order() {
    let plans = [plan("a", WHOLE, 1), plan("b", HALF, 2), plan("a", HALF, 1)];
    for max in [1, SIZE, SIZE + 1, 2 * SIZE] {
        assert!(model(&plans, None, Some(max), 1000, true) > 100);
        assert!(model(&plans, Some(2), Some(max), 0, false) > 100);
    }
}

/// With grace nobody but the client of a use gets a byte while it lasts, and whole deliveries to different clients are
/// never more than the uses.
#[test]
fn strangers_never_share_a_use() {
    let plans = [plan("a", WHOLE, 1), plan("b", WHOLE, 1), plan("c", WHOLE, 1)];
    let mut model = Model {
        plans: plans.to_vec(),
        max_uses: Some(1),
        max_bytes: None,
        grace: 1000,
        deaths: true,
        seen: HashSet::new(),
    };
    model.start();
    for world in &model.seen {
        let whole = world.got.iter().filter(|got| **got >= SIZE).count();
        let some: u64 = world.got.iter().sum();
        assert!(whole <= 1 && some < 2 * SIZE, "{world:#?}");
    }
}
