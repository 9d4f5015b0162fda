//! The one sink of the `log` crate: a line per message on standard error, redacted.
//! It must not let a library's chatter or a usable link through, nor, once the gate serves, make anybody wait.

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::access::push_timestamp;
use super::json;
use super::metrics::DropCounter;
use super::redact::redact;
use super::writer::LineWriter;
use crate::clock::{Clock, SystemClock};

/// How the target of the gate's own messages begins.
const OWN: &str = "presign_gate";

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Time, level, target and message, for people.
    Plain,
    /// One JSON object, with the field names of ECS.
    Json,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err(UnknownFormat(text.to_owned())),
        }
    }
}

/// A format that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no log format: write `plain` or `json`")]
pub struct UnknownFormat(String);

/// What messages go through once the gate serves: whoever reads standard error may stand still.
static QUEUE: OnceLock<LineWriter> = OnceLock::new();
/// How long the end of the process waits for messages to be written.
const END: Duration = Duration::from_secs(1);

/// Sends all messages of the process to standard error: the gate's own from `level` on, the libraries' from warnings
/// on. If the process has a sink already nothing changes.
pub fn install(format: Format, level: LevelFilter) {
    if log::set_boxed_logger(Box::new(Sink::new(format, level, SystemClock, Messages))).is_ok() {
        log::set_max_level(level);
    }
}

/// From now on messages wait in a queue, and those that find it full are counted; [`end`] writes what waits.
///
/// # Errors
/// If the thread that writes them cannot be started.
pub fn queue(dropped: DropCounter) -> io::Result<()> {
    let writer = LineWriter::stderr(dropped)?;
    // a second gate in the process shares the first one's
    let _ = QUEUE.set(writer);
    Ok(())
}

/// Waits until messages are written, but not for long.
pub fn end() {
    if let Some(queue) = QUEUE.get() {
        // a reader that stands still gets no more
        let _ = queue.flush(END);
    }
}

/// Standard error, or the queue in front of it.
#[derive(Debug)]
struct Messages;

impl Write for Messages {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match QUEUE.get() {
            Some(queue) => {
                queue.write(line);
                queue.hurry();
            }
            None => io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        end();
        Ok(())
    }
}

/// A sink of messages.
#[derive(Debug)]
pub struct Sink<C, W> {
    format: Format,
    level: LevelFilter,
    clock: C,
    output: Mutex<W>,
}

impl<C: Clock, W: Write + Send> Sink<C, W> {
    /// A sink that writes to `output`.
    pub const fn new(format: Format, level: LevelFilter, clock: C, output: W) -> Self {
        Self { format, level, clock, output: Mutex::new(output) }
    }

    fn line(&self, record: &Record<'_>) -> Vec<u8> {
        let now = self.clock.now();
        let message = record.args().to_string();
        let message = redact(&message);
        let mut out = Vec::with_capacity(message.len() + 128);
        match self.format {
            Format::Plain => {
                push_timestamp(&mut out, now);
                let start = format!(" {:<5} {}: ", record.level(), record.target());
                out.extend_from_slice(start.as_bytes());
                json::push_escaped(&mut out, message.as_bytes());
            }
            Format::Json => {
                let level = level_name(record.level());
                out.extend_from_slice(b"{\"@timestamp\":\"");
                push_timestamp(&mut out, now);
                let start = format!("\",\"log.level\":\"{level}\",\"log.logger\":");
                out.extend_from_slice(start.as_bytes());
                json::push_string(&mut out, record.target().as_bytes());
                out.extend_from_slice(b",\"message\":");
                json::push_string(&mut out, message.as_bytes());
                out.push(b'}');
            }
        }
        out.push(b'\n');
        out
    }
}

impl<C: Clock, W: Write + Send> Log for Sink<C, W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let own = metadata.target() == OWN
            || metadata.target().strip_prefix(OWN).is_some_and(|rest| rest.starts_with("::"));
        metadata.level() <= if own { self.level } else { self.level.min(LevelFilter::Warn) }
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = self.line(record);
            let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
            // there is nowhere to tell that standard error is gone
            let _ = output.write_all(&line);
        }
    }

    fn flush(&self) {
        let _ = self.output.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }
}

const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, UnixMillis};

    fn written(format: Format, level: LevelFilter, messages: &[(Level, &str, &str)]) -> String {
        let clock = ManualClock::new(UnixMillis::from_millis(1_768_478_400_005));
        let sink = Sink::new(format, level, clock, Vec::new());
        for (level, target, message) in messages {
            sink.log(&Record::builder().level(*level).target(target).args(format_args!("{message}")).build());
        }
        String::from_utf8(sink.output.into_inner().unwrap()).unwrap()
    }

    #[test]
    fn lines_have_their_format_and_stay_lines() {
        let message = [(Level::Warn, "presign_gate::proxy", "a \"b\"\nc\x1b[31m")];
        assert_eq!(
            written(Format::Plain, LevelFilter::Info, &message),
            "2026-01-15T12:00:00.005Z WARN  presign_gate::proxy: a \\\"b\\\"\\nc\\u001b[31m\n"
        );
        assert_eq!(
            written(Format::Json, LevelFilter::Info, &message),
            "{\"@timestamp\":\"2026-01-15T12:00:00.005Z\",\"log.level\":\"warn\",\"log.logger\":\"presign_gate::proxy\",\
             \"message\":\"a \\\"b\\\"\\nc\\u001b[31m\"}\n"
        );
    }

    #[test]
    fn own_messages_follow_the_level_and_foreign_ones_are_warnings_at_least() {
        let all: Vec<_> = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace]
            .into_iter()
            .flat_map(|level| {
                [
                    "presign_gate",
                    "presign_gate::x",
                    "pingora_core::server",
                    "pingora",
                    "rustls",
                    "presign_gateway",
                ]
                .map(|target| (level, target, "m"))
            })
            .collect();
        for (level, own, foreign) in [
            (LevelFilter::Off, 0, 0),
            (LevelFilter::Error, 1, 1),
            (LevelFilter::Warn, 2, 2),
            (LevelFilter::Info, 3, 2),
            (LevelFilter::Trace, 5, 2),
        ] {
            let text = written(Format::Plain, level, &all);
            for target in ["presign_gate", "presign_gate::x"] {
                assert_eq!(text.matches(&format!(" {target}: ")).count(), own, "{level} {target}");
            }
            for target in ["pingora_core::server", "pingora", "rustls", "presign_gateway"] {
                assert_eq!(text.matches(&format!(" {target}: ")).count(), foreign, "{level} {target}");
            }
        }
    }

    #[test]
    fn no_message_holds_a_usable_link() {
        let message = "Fail to proxy: GET /b/k?X-Amz-Credential=AKID%2F1&x-amz-signature=5ec4e7 HTTP/1.1";
        for format in [Format::Plain, Format::Json] {
            let text = written(format, LevelFilter::Info, &[(Level::Error, "pingora_proxy", message)]);
            assert!(text.contains("x-amz-signature=REDACTED HTTP/1.1"), "{text}");
            assert!(!text.contains("5ec4e7") && !text.contains("AKID"), "{text}");
        }
    }

    #[test]
    fn formats_have_names() {
        assert_eq!("json".parse(), Ok(Format::Json));
        assert_eq!("plain".parse(), Ok(Format::Plain));
        assert_eq!("xml".parse::<Format>(), Err(UnknownFormat("xml".to_owned())));
    }
}
