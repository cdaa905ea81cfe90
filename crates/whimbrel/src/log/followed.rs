//! Lines as values, with the fields of the spans around them: for followers, and as JSON.
//!
//! What never happens here: waiting for a follower.

use super::line::{Line, SpanFields};
use crate::admin::limits::WAITING_LINES;
use crate::admin::request::{Filter, Level, Reply};
use std::io::Write;
use std::sync::Arc;
use tokio::sync::broadcast;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Gives lines to all who follow. Cheap to clone.
#[derive(Clone)]
pub struct Hub(broadcast::Sender<Arc<Line>>);

impl Hub {
    pub fn new() -> Hub {
        Hub(broadcast::Sender::new(WAITING_LINES))
    }

    /// Takes every line that somebody may want.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let wanted = self.clone();
        let is_wanted = filter::dynamic_filter_fn(move |about, _| wanted.wants(about));
        let is_wanted = is_wanted.with_max_level_hint(LevelFilter::DEBUG);
        Lines(To::Followers(self.clone())).with_filter(is_wanted)
    }

    /// Spans always: who comes later wants to know whose the session is.
    fn wants(&self, about: &Metadata<'_>) -> bool {
        about.is_span() || self.0.receiver_count() > 0
    }

    /// Lines from now on, as far as they fit the filter.
    pub fn follow(&self, filter: Filter) -> Follower {
        Follower {
            lines: self.0.subscribe(),
            filter,
        }
    }
}

/// Somebody who follows the log.
pub struct Follower {
    lines: broadcast::Receiver<Arc<Line>>,
    filter: Filter,
}

impl Follower {
    /// The next line that fits, or how many were lost. Cancel-safe.
    pub async fn next(&mut self) -> Reply {
        use broadcast::error::RecvError;
        loop {
            match self.lines.recv().await {
                Ok(line) if fits(&self.filter, &line) => return Reply::Line(line.json()),
                Ok(_) => {}
                Err(RecvError::Lagged(lines)) => return Reply::Lost(lines),
                // The log lives as long as the process.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

fn fits(filter: &Filter, line: &Line) -> bool {
    let least = match filter.level {
        Level::Error => tracing::Level::ERROR,
        Level::Warn => tracing::Level::WARN,
        Level::Info => tracing::Level::INFO,
        Level::Debug => tracing::Level::DEBUG,
    };
    let account = |wanted: &String| line.is_about(wanted);
    line.level <= least
        && filter.account.as_ref().is_none_or(account)
        && filter
            .session
            .is_none_or(|id| line.has("session", &id.to_string()))
        && filter
            .message
            .as_ref()
            .is_none_or(|id| line.has("message_id", id))
}

/// Makes one value of each line.
pub struct Lines(To);

impl Lines {
    pub fn to_standard_error() -> Lines {
        Lines(To::StandardError)
    }
}

enum To {
    StandardError,
    Followers(Hub),
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<SpanFields>().is_none() {
            extensions.insert(SpanFields::of(attributes));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            fields.record(values);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::new(event, net::Clock::system().now());
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<SpanFields>() {
                line.add(fields);
            }
        }
        match &self.0 {
            To::StandardError => {
                // Where the log itself fails there is nowhere to say so.
                let _ = writeln!(std::io::stderr(), "{}", line.json());
            }
            // Nobody may be there any more.
            To::Followers(hub) => {
                let _ = hub.0.send(Arc::new(line));
            }
        }
    }
}

#[cfg(test)]
mod tests;
