//! Spans as the messages of OTLP.
//! It must not change what they tell.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span as Message, Status, span::SpanKind,
};
use prost::Message as _;

use super::spans::{Kind, Span, Value};
use crate::telemetry::build;

fn attribute(name: &str, value: &Value) -> KeyValue {
    let value = match value {
        Value::Text(text) => any_value::Value::StringValue(text.clone()),
        Value::Number(number) => any_value::Value::IntValue(*number),
    };
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn message(span: &Span) -> Message {
    let kind = match span.kind {
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Internal => SpanKind::Internal,
    };
    let failed = Status { message: String::new(), code: StatusCode::Error.into() };
    Message {
        trace_id: span.trace.0.to_vec(),
        span_id: span.id.0.to_vec(),
        parent_span_id: span.parent.map(|parent| parent.0.to_vec()).unwrap_or_default(),
        name: span.name.clone(),
        kind: kind.into(),
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: span.attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
        status: span.is_failed.then_some(failed),
        flags: 1,
        ..Message::default()
    }
}

/// The body of one request to a collector.
pub(super) fn encode(spans: &[Span]) -> Vec<u8> {
    let service = [("service.name", "presign-gate"), ("service.version", build::VERSION)];
    let resource = Resource {
        attributes: service.map(|(name, value)| attribute(name, &value.into())).to_vec(),
        ..Resource::default()
    };
    let scope = InstrumentationScope { name: "presign-gate".to_owned(), ..InstrumentationScope::default() };
    let spans = ScopeSpans {
        scope: Some(scope),
        spans: spans.iter().map(message).collect(),
        ..ScopeSpans::default()
    };
    let all =
        ResourceSpans { resource: Some(resource), scope_spans: vec![spans], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![all] }.encode_to_vec()
}
