//! Whether the time of a refusal tells how wrong a signature is: two classes of requests, mixed at random, and Welch's
//! test on what each took (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017).
//! It must not state a time: only whether two differ. `make timing` measures for longer.

use super::request::{facts, link};
use super::scene;
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

/// Measures again as long as it looks like a difference; the last t.
fn smallest(name: &str, mut subject: impl FnMut(usize)) -> f64 {
    let mut smallest = f64::MAX;
    for _ in 0..TRIES {
        let samples = Samples::take(&mut subject);
        smallest = smallest.min(samples.t());
        println!(
            "{name}: |t| {:.2} of {} samples, {:+.3} %",
            samples.t(),
            samples.len(),
            samples.difference() * 100.0
        );
        if smallest < LIMIT {
            break;
        }
    }
    smallest
}

/// What the gate must not do.
#[inline(never)]
fn early_exit(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one == other)
}

/// Another hexadecimal digit.
const fn other(digit: u8) -> u8 {
    if digit == b'0' { b'1' } else { b'0' }
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
    let t = smallest("comparison", comparison(ct_eq));
    assert!(t < LIMIT, "|t| {t}");
}

#[test]
fn a_comparison_that_stops_early_is_found() {
    for _ in 0..TRIES {
        let t = Samples::take(comparison(early_exit)).t();
        println!("a comparison that stops early: |t| {t:.2}");
        assert!(t > LIMIT, "|t| {t}");
    }
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

/// A link with a digit of its signature changed.
fn altered(digit: usize) -> Vec<u8> {
    let mut bytes = link(&[], scene::NOW, 900);
    let name = b"X-Amz-Signature=";
    let at = bytes.windows(name.len()).position(|part| part == name).unwrap() + name.len() + digit;
    bytes[at] = other(bytes[at]);
    bytes
}

#[test]
fn a_refusal_takes_the_same_wherever_the_signature_is_wrong() {
    let snapshot = scene::snapshot();
    let t = smallest("a refusal", judged(&snapshot, [altered(0), altered(63)]));
    assert!(t < LIMIT, "|t| {t}");
}

/// The measurement of whole refusals sees as little as one comparison that stops early.
#[test]
fn a_refusal_that_stops_early_is_found() {
    let snapshot = scene::snapshot();
    let mut refuse = judged(&snapshot, [altered(0), altered(63)]);
    let (right, wrong) = signatures();
    let t = Samples::take(|class| {
        refuse(class);
        black_box(early_exit(black_box(&right), black_box(&wrong[class])));
    });
    println!("a refusal that stops early: |t| {:.2} of {} samples", t.t(), t.len());
    assert!(t.t() > LIMIT, "|t| {}", t.t());
}

/// With `signing.uniform_errors` the answer does not tell which keys exist, and the time tells next to nothing: a key that
/// nobody has is verified with a decoy, and takes as long as a wrong signature to within two parts in a hundred of a
/// decision, which takes microseconds. That is not nothing: whoever measures on the machine itself can see it.
#[test]
fn a_key_that_nobody_has_takes_as_long_as_a_wrong_signature() {
    let snapshot = scene::uniform();
    let mut unknown = altered(0);
    let name = b"X-Amz-Credential=";
    let at = unknown.windows(name.len()).position(|part| part == name).unwrap() + name.len();
    unknown[at..at + 4].copy_from_slice(b"DIKA");
    let mut subject = judged(&snapshot, [altered(0), unknown]);
    let mut smallest = f64::MAX;
    for _ in 0..TRIES {
        let samples = Samples::take(&mut subject);
        println!(
            "an unknown key: |t| {:.2}, {:+.3} % of {} samples",
            samples.t(),
            samples.difference() * 100.0,
            samples.len()
        );
        smallest = smallest.min(samples.difference().abs());
    }
    assert!(smallest < 0.02, "{} %", smallest * 100.0);
}
