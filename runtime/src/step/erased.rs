//! A step's call with its types taken away, for the engine.

use std::sync::Arc;

use super::{Step, StepMeta, TimedOut};
use crate::codec::{EncodeError, Payload, Recordable};
use crate::io::{Io, IoCore, Lent, Redaction};
use crate::platform::BoxFuture;

/// An error that a step's body returned, encoded.
#[derive(Debug, Clone)]
pub struct StepError {
    /// The error as JSON.
    pub error: Payload,
    /// Another attempt may do better.
    pub retryable: bool,
    /// Nobody knows what the attempt did.
    pub unknown: bool,
}

/// How one attempt ended.
#[derive(Debug)]
pub enum AttemptEnd {
    /// The body returned a value.
    Done(Payload),
    /// The body returned an error.
    Failed(StepError),
    /// The body returned a value or an error that cannot be recorded.
    Unrecordable(EncodeError),
}

/// A step's call as the engine sees it: a name, policies, and attempts.
pub trait ErasedStep: Send {
    /// What the step's attribute says.
    fn meta(&self) -> &'static StepMeta;

    /// A hash of the arguments. To be asked for before the first attempt.
    ///
    /// # Errors
    /// When JSON cannot hold one of them.
    fn hash_args(&self) -> Result<u64, EncodeError>;

    /// The arguments that the undo will need, encoded.
    ///
    /// # Errors
    /// When JSON cannot hold one of them.
    fn undo_args(&self) -> Result<Option<Payload>, EncodeError>;

    /// Runs the body once; `None` when the arguments are used up, which only a
    /// step without `retry` does.
    #[expect(private_interfaces, reason = "the engine alone calls it")]
    fn attempt<'s>(&'s mut self, io: Arc<IoCore>) -> Option<BoxFuture<'s, AttemptEnd>>;

    /// The error that a timeout becomes.
    fn timed_out(&mut self, timed_out: TimedOut, redaction: &Redaction) -> AttemptEnd;
}

/// A call together with the app it runs on.
pub(crate) struct Prepared<'a, S: Step<App>, App> {
    args: Option<S::Args<'a>>,
    app: Arc<Lent<App>>,
    /// How the last attempt ended, as it was encoded and decoded again.
    decoded: Option<Result<S::Ok, S::Err>>,
}

impl<'a, S: Step<App>, App> Prepared<'a, S, App> {
    pub(crate) fn new(call: super::StepCall<'a, S>, app: Arc<Lent<App>>) -> Self {
        Prepared { args: Some(call.args), app, decoded: None }
    }

    /// How the last attempt ended, if there was one in this process: the value
    /// that its record decodes to.
    pub(crate) fn take_decoded(&mut self) -> Option<Result<S::Ok, S::Err>> {
        self.decoded.take()
    }
}

impl<S: Step<App>, App: Send + Sync + 'static> ErasedStep for Prepared<'_, S, App> {
    fn meta(&self) -> &'static StepMeta {
        S::META
    }

    fn hash_args(&self) -> Result<u64, EncodeError> {
        match &self.args {
            Some(args) => S::hash_args(args),
            None => Err(EncodeError::no_value("the arguments are used up")),
        }
    }

    fn undo_args(&self) -> Result<Option<Payload>, EncodeError> {
        self.args.as_ref().map_or(Ok(None), S::undo_args)
    }

    fn attempt<'s>(&'s mut self, core: Arc<IoCore>) -> Option<BoxFuture<'s, AttemptEnd>> {
        let args = match self.args.as_ref()? {
            args if S::META.retry.attempts > 1 => S::copy_args(args),
            _ => None,
        };
        let args = match args {
            Some(copy) => copy,
            None => self.args.take()?,
        };
        let app = self.app.clone();
        let decoded = &mut self.decoded;
        Some(Box::pin(async move {
            let mut io = Io::new(core.clone(), app);
            let result = S::split(S::run(&mut io, args).await);
            end_of::<S>(result, decoded, core.redaction())
        }))
    }

    fn timed_out(&mut self, timed_out: TimedOut, redaction: &Redaction) -> AttemptEnd {
        match S::timed_out(timed_out) {
            Some(error) => end_of::<S>(Err(error), &mut self.decoded, redaction),
            None => AttemptEnd::Unrecordable(EncodeError::no_value(
                "the step has a timeout but no error that a timeout could become",
            )),
        }
    }
}

/// How an attempt ended; an error without what is not to be recorded.
fn end_of<S: super::StepSig>(
    result: Result<S::Ok, S::Err>,
    decoded: &mut Option<Result<S::Ok, S::Err>>,
    redaction: &Redaction,
) -> AttemptEnd {
    let end = match result {
        Ok(value) => value.record().map(|(json, value)| {
            *decoded = Some(Ok(value));
            AttemptEnd::Done(json)
        }),
        Err(error) => redaction.error(&error).map(|(json, decoded_error)| {
            let (retryable, unknown) = (S::is_retryable(&error), S::is_unknown(&error));
            *decoded = Some(Err(decoded_error));
            AttemptEnd::Failed(StepError { error: json, retryable, unknown })
        }),
    };
    end.unwrap_or_else(AttemptEnd::Unrecordable)
}
