//! One line of the log as a value: time, level, where, text, and the fields of event and spans.
//!
//! What never happens here: a decision who gets it.

use net::Time;
use serde_json::{Map, Value};
use std::fmt::Debug;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Record};
use tracing::{Event, Level};

/// Octets of one field; a peer's text is not endless.
const FIELD_BYTES: usize = 4_096;

/// What is known of a span.
#[derive(Default)]
pub struct SpanFields(Map<String, Value>);

impl SpanFields {
    pub fn of(attributes: &Attributes<'_>) -> SpanFields {
        let mut fields = SpanFields::default();
        attributes.record(&mut Visitor(&mut fields.0));
        fields
    }

    pub fn record(&mut self, values: &Record<'_>) {
        values.record(&mut Visitor(&mut self.0));
    }
}

pub struct Line {
    pub level: Level,
    target: &'static str,
    at: Time,
    fields: Map<String, Value>,
}

impl Line {
    pub fn new(event: &Event<'_>, at: Time) -> Line {
        let mut fields = Map::new();
        event.record(&mut Visitor(&mut fields));
        Line {
            level: *event.metadata().level(),
            target: event.metadata().target(),
            at,
            fields,
        }
    }

    /// The fields of a span around it; what is nearer stays.
    pub fn add(&mut self, span: &SpanFields) {
        for (name, value) in &span.0 {
            if !self.fields.contains_key(name) {
                self.fields.insert(name.clone(), value.clone());
            }
        }
    }

    /// Whether a field has this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.fields.get(name).is_some_and(|found| match found {
            Value::String(text) => text == value,
            Value::Number(number) => number.to_string() == value,
            _ => false,
        })
    }

    /// Whether it is of this account's session, or of mail from or to it.
    pub fn is_about(&self, account: &str) -> bool {
        let among = |name: &str| {
            let text = self.fields.get(name).and_then(Value::as_str);
            text.is_some_and(|text| text.split(',').any(|one| one.eq_ignore_ascii_case(account)))
        };
        ["account", "login", "name", "from", "to"]
            .into_iter()
            .any(among)
    }

    pub fn json(&self) -> Value {
        let mut all = Map::new();
        let c = self.at.civil();
        let micros = self.at.0.rem_euclid(1_000_000);
        let time = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{micros:06}Z",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        );
        all.insert("time".to_owned(), Value::String(time));
        all.insert(
            "level".to_owned(),
            self.level.as_str().to_lowercase().into(),
        );
        all.insert("target".to_owned(), self.target.into());
        for (name, value) in &self.fields {
            all.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(all)
    }
}

struct Visitor<'a>(&'a mut Map<String, Value>);

impl Visitor<'_> {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }

    fn put_text(&mut self, field: &Field, mut text: String) {
        if text.len() > FIELD_BYTES {
            let mut end = FIELD_BYTES;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push('…');
        }
        self.put(field, Value::String(text));
    }
}

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put_text(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field, value.to_owned());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}
