//! Whether the time of a refusal tells how wrong a signature is: two classes of requests, mixed at random, and Welch's
//! test on what each took (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017).
//! It must not state a time: only whether two differ. `make timing` measures for longer.

use super::scene::{self, altered, facts, other, unknown};
use presign_gate::auth::keyring::Asked;
use presign_gate::clock::Stopwatch;
use presign_gate::pipeline::{Verdict, decide};
use presign_gate::request::head;
use presign_gate::secret::ct_eq;
use presign_gate::snapshot::Snapshot;
use std::hint::black_box;
use std::time::Duration;

/// Beyond it two classes take different times, but for one measurement in a hundred thousand.
const LIMIT: f64 = 4.5;
/// The part of the time that a leak takes or spares at least. A comparison that stops early spares three times as much of
/// a refusal.
const LEAST: f64 = 0.0007;
/// A leak shows in each of so many measurements; a busy machine does not.
const TRIES: usize = 3;
/// Parts of all samples that are looked at, the quickest: the slow ones tell of the machine.
const CROPS: [f64; 5] = [0.5, 0.7, 0.8, 0.9, 0.99];

/// How long one measurement takes.
fn budget() -> Duration {
    let told = std::env::var_os("PRESIGN_GATE_TIMING_SECONDS");
    let seconds: u64 = told.map_or(1, |text| text.to_str().unwrap().parse().unwrap());
    Duration::from_secs(seconds)
}

/// Mean and variance, and from how many.
fn moments(samples: &[f64]) -> (f64, f64, f64) {
    let count = f64::from(u32::try_from(samples.len()).unwrap());
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance, count)
}

/// What was measured of both classes, in nanoseconds.
struct Samples([Vec<f64>; 2]);

impl Samples {
    /// Runs `subject` on one class or the other, as chance has it, for as long as one measurement takes.
    fn take(mut subject: impl FnMut(usize)) -> Self {
        let mut samples = [Vec::new(), Vec::new()];
        let whole = Stopwatch::start();
        for round in 0_usize.. {
            if round.is_multiple_of(256) && whole.elapsed() > budget() {
                break;
            }
            let class = usize::from(fastrand::bool());
            let watch = Stopwatch::start();
            subject(class);
            let took = watch.elapsed().as_nanos();
            // keys become known, buffers grow
            if round > 500 {
                samples[class].push(f64::from(u32::try_from(took).unwrap_or(u32::MAX)));
            }
        }
        Self(samples)
    }

    /// The quickest part of both, as one limit of time cuts them.
    fn cropped(&self, part: f64) -> [Vec<f64>; 2] {
        let mut all = self.0.concat();
        all.sort_unstable_by(f64::total_cmp);
        let length = f64::from(u32::try_from(all.len()).unwrap());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
        let limit = all[((length * part) as usize).min(all.len() - 1)];
        [0, 1].map(|class: usize| self.0[class].iter().copied().filter(|it| *it <= limit).collect())
    }

    /// The largest t of all crops.
    fn t(&self) -> f64 {
        let of = |part| {
            let [one, other] = self.cropped(part).map(|samples| moments(&samples));
            ((one.0 - other.0) / (one.1 / one.2 + other.1 / other.2).sqrt()).abs()
        };
        CROPS.iter().map(|part| of(*part)).filter(|t| t.is_finite()).fold(0.0, f64::max)
    }

    /// By what part of the time the second class differs from the first.
    fn difference(&self) -> f64 {
        let [one, other] = self.cropped(0.8).map(|samples| moments(&samples).0);
        (other - one) / one
    }

    fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

/// Whether the classes differ in each of a few measurements, by more than where code and data happen to lie in memory.
fn differ(name: &str, mut subject: impl FnMut(usize)) -> bool {
    (0..TRIES).all(|_| {
        let samples = Samples::take(&mut subject);
        let (t, difference) = (samples.t(), samples.difference());
        println!("{name}: |t| {t:.2} of {} samples, {:+.3} %", samples.len(), difference * 100.0);
        t > LIMIT && difference.abs() > LEAST
    })
}

/// What the gate must not do.
#[inline(never)]
fn early_exit(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}

/// Two signatures that are wrong, one at its first digit and one at its last, and the right one.
fn signatures() -> ([u8; 64], [[u8; 64]; 2]) {
    let right: [u8; 64] = std::array::from_fn(|at| b"0123456789abcdef"[at * 7 % 16]);
    let (mut first, mut last) = (right, right);
    first[0] = other(first[0]);
    last[63] = other(last[63]);
    (right, [first, last])
}

/// The comparison alone; each sample is sixteen of them, over the same memory for both classes.
fn comparison(equal: fn(&[u8], &[u8]) -> bool) -> impl FnMut(usize) {
    let (right, wrong) = signatures();
    move |class| {
        let given = wrong[class];
        for _ in 0..16 {
            assert!(!equal(black_box(&right), black_box(&given)));
        }
    }
}

#[test]
fn comparing_takes_the_same_wherever_the_first_difference_is() {
    assert!(!differ("comparison", comparison(ct_eq)));
}

#[test]
fn a_comparison_that_stops_early_is_found() {
    assert!(differ("a comparison that stops early", comparison(early_exit)));
}

/// Requests that are judged from the same memory, and refused.
fn judged(snapshot: &Snapshot, classes: [Vec<u8>; 2]) -> impl FnMut(usize) {
    let facts = facts("127.0.0.1:5000");
    let mut bytes = classes[0].clone();
    move |class| {
        bytes.copy_from_slice(&classes[class]);
        let request = head::parse(black_box(&bytes)).unwrap();
        let outcome = decide(snapshot, &facts, &request, None, Asked::Nobody, scene::NOW);
        assert!(matches!(outcome.verdict, Verdict::Answer(_)));
    }
}

#[test]
fn a_refusal_takes_the_same_wherever_the_signature_is_wrong() {
    let snapshot = scene::snapshot();
    assert!(!differ("a refusal", judged(&snapshot, [altered(0), altered(63)])));
}

/// The measurement of whole refusals sees as little as one comparison that stops early.
#[test]
fn a_refusal_that_stops_early_is_found() {
    let snapshot = scene::snapshot();
    let mut refuse = judged(&snapshot, [altered(0), altered(63)]);
    let (right, wrong) = signatures();
    let stops_early = |class: usize| {
        refuse(class);
        black_box(early_exit(black_box(&right), black_box(&wrong[class])));
    };
    assert!(differ("a refusal that stops early", stops_early));
}

/// With `signing.uniform_errors` the answer does not tell which keys exist, and the time tells next to nothing: a key that
/// nobody has is verified with a decoy. What remains is said here and bounded by `instructions`, which no machine moves.
#[test]
fn a_key_that_nobody_has_takes_about_as_long_as_a_wrong_signature() {
    let snapshot = scene::uniform();
    let samples = Samples::take(judged(&snapshot, [altered(0), unknown()]));
    let (t, difference) = (samples.t(), samples.difference());
    println!("an unknown key: |t| {t:.2} of {} samples, {:+.3} %", samples.len(), difference * 100.0);
    assert!(difference.abs() < 0.1, "{difference}");
}
