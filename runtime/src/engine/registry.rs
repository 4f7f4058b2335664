//! What an engine can run, by name.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Error;
use super::hooks::{Hooks, HooksOf};
use super::host::Host;
use super::schedule::ScheduleWorkflow;
use crate::codec::{DecodeError, EncodeError, Payload};
use crate::id::Position;
use crate::plan::{PlanProblem, Reached, WorkflowMeta, WorkflowRef, check_across, reach, reach_step};
use crate::platform::BoxFuture;
use crate::record::{Name, Names, UndoKind};
use crate::run::Since;
use crate::step::{Site, StepMeta};

/// How a body ended, encoded.
#[derive(Debug)]
pub(crate) enum BodyEnd {
    /// It returned a value.
    Done(Payload),
    /// It returned an error.
    Failed(Payload),
    /// It returned something that cannot be recorded.
    Unrecordable(EncodeError),
    /// The run goes on in another state.
    Enters(Box<Entering>),
}

/// A state that a run is about to enter.
#[derive(Debug)]
pub(crate) struct Entering {
    pub(crate) state: &'static str,
    /// The whole value.
    pub(crate) value: Payload,
    pub(crate) by: By,
    /// What came before it is final.
    pub(crate) commit: bool,
    /// The run ends in it.
    pub(crate) terminal: bool,
    /// The groups that it is in.
    pub(crate) groups: Vec<&'static str>,
    /// The groups that the state before it is in.
    pub(crate) inside: Vec<&'static str>,
    /// The signals that it ignores: those that wait are dropped.
    pub(crate) ignores: Vec<&'static str>,
}

impl Entering {
    /// Whether nothing that was done before is undone from then on.
    pub(crate) fn is_final(&self) -> bool {
        self.commit || self.terminal
    }
}

/// What had a run enter a state.
#[derive(Debug)]
pub(crate) enum By {
    /// The handler of the state before.
    Handler,
    /// A timeout, of the state or of the group.
    Timeout { group: Option<Name> },
}

/// Why there is no body for what is recorded.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// What is recorded.
    pub(crate) expected: String,
    /// What the code is.
    pub(crate) found: String,
}

impl From<DecodeError> for Misfit {
    fn from(error: DecodeError) -> Misfit {
        Misfit { expected: "the arguments that were recorded".to_owned(), found: error.to_string() }
    }
}

/// What a run that stands somewhere does with a signal.
#[derive(Debug)]
pub(crate) enum Takes {
    /// It is the run's.
    Yes,
    /// It is kept for a later state.
    Later { state: &'static str },
    /// The sender is told that the run does not take it now.
    No { state: &'static str, accepts: Vec<&'static str> },
    /// It has no effect.
    Ignored { state: &'static str },
}

/// A workflow with its types taken away.
pub(crate) trait Workflow: Send + Sync {
    /// Its name and plan.
    fn meta(&self) -> &'static WorkflowMeta;

    /// Another workflow that a run with this input cannot go on without.
    fn needs(&self, input: &Payload) -> Option<(String, u32)> {
        let _ = input;
        None
    }

    /// Its body over recorded arguments, from a root scope; `since` says since when the run is where it is.
    fn body(
        &self,
        host: Arc<dyn Host>,
        input: &Payload,
        root: Position,
        since: &Since,
    ) -> Result<BoxFuture<'static, BodyEnd>, Misfit>;

    /// What a run does with a signal in a state, which is the one that it began in if it has no name.
    fn takes(&self, state: Option<&str>, value: &Payload, signal: &str) -> Takes {
        let _ = (state, value, signal);
        Takes::Yes
    }
}

/// The workflows of an engine and every step that they reach.
#[derive(Default)]
pub(crate) struct Registry {
    workflows: HashMap<&'static str, BTreeMap<u32, Arc<dyn Workflow>>>,
    steps: BTreeMap<&'static str, &'static StepMeta>,
    hooks: HooksOf,
}

impl Registry {
    /// What workflows and steps are called.
    pub(crate) fn names(&self) -> Names {
        Names::new(self.workflows.keys().chain(self.steps.keys()).copied())
    }

    /// Takes everything that the workflows reach, and further steps. What every engine has is added.
    ///
    /// # Errors
    /// When two workflows or two steps have one name, sagas do not go together,
    /// or one is spawned that is not here.
    pub(crate) fn new(mut workflows: Vec<Arc<dyn Workflow>>, steps: Vec<&'static StepMeta>) -> Result<Registry, Error> {
        workflows.push(Arc::new(ScheduleWorkflow));
        let mut reached = Reached::default();
        for step in steps {
            reach_step(&mut reached, step);
        }
        let mut registry = Registry::default();
        for workflow in workflows {
            reach(&mut reached, workflow.meta());
            let meta = workflow.meta();
            registry.workflows.entry(meta.name).or_default().insert(meta.version, workflow);
        }
        for ((name, _), same) in &reached.sagas {
            unique("workflows", name, same.iter().map(|saga| saga.site))?;
        }
        for (name, same) in &reached.steps {
            unique("steps", name, same.iter().map(|step| step.site))?;
            registry.steps.extend(same.iter().map(|step| (*name, *step)));
        }
        for spawned in reached.spawned.values() {
            registry.has(spawned)?;
        }
        check_across(&reached).map_err(|PlanProblem { saga, site, problem }| Error::Plan { saga, site, problem })?;
        Ok(registry)
    }

    /// What a saga spawns or goes on with is found by its name.
    fn has(&self, spawned: &WorkflowRef) -> Result<(), Error> {
        let (name, version) = (spawned.name, spawned.version);
        let Some(found) = self.workflow(name, version) else {
            return Err(Error::NotRegistered { workflow: name.to_owned(), version });
        };
        let (found, meant) = (found.meta(), (spawned.meta)());
        if (found.identity)() != (meant.identity)() {
            unique("workflows", name, [found.site, meant.site].into_iter())?;
        }
        Ok(())
    }

    /// Tells the observers of machines of their states.
    ///
    /// # Errors
    /// When somebody wants to observe a machine that is not here.
    pub(crate) fn with_hooks(mut self, hooks: HooksOf) -> Result<Registry, Error> {
        let machines: Vec<TypeId> =
            self.workflows.values().flat_map(BTreeMap::values).map(|workflow| (workflow.meta().identity)()).collect();
        if hooks.keys().any(|machine| !machines.contains(machine)) {
            return Err(Error::NotObserved);
        }
        self.hooks = hooks;
        Ok(self)
    }

    /// The observers of a machine, if it has any.
    pub(crate) fn hooks(&self, machine: &WorkflowMeta) -> Option<&Hooks> {
        self.hooks.get(&(machine.identity)())
    }

    pub(crate) fn workflow(&self, name: &str, version: u32) -> Option<&Arc<dyn Workflow>> {
        self.workflows.get(name)?.get(&version)
    }

    /// What a run with this start needs that is not registered: its workflow, or what that cannot go on without.
    pub(crate) fn missing(&self, name: &str, version: u32, input: &Payload) -> Option<(String, u32)> {
        match self.workflow(name, version) {
            None => Some((name.to_owned(), version)),
            Some(workflow) => workflow.needs(input).filter(|(name, version)| self.workflow(name, *version).is_none()),
        }
    }

    /// Whether a step is known to have that undo.
    pub(crate) fn undoes(&self, step: &str, kind: UndoKind) -> bool {
        let undo = || self.step(step).and_then(|meta| meta.undo);
        match kind {
            UndoKind::Compensate => undo().is_some_and(|undo| undo.done),
            UndoKind::Unknown => undo().is_some_and(|undo| undo.unknown),
            // A child is cancelled by the engine, whatever is registered.
            UndoKind::Child => true,
        }
    }

    /// A step by its name on disk.
    pub(crate) fn step(&self, name: &str) -> Option<&'static StepMeta> {
        self.steps.get(name).copied()
    }
}

fn unique(what: &'static str, name: &str, mut sites: impl Iterator<Item = Site>) -> Result<(), Error> {
    match (sites.next(), sites.next()) {
        (Some(first), Some(second)) => Err(Error::DuplicateName { what, name: name.to_owned(), first, second }),
        _ => Ok(()),
    }
}
