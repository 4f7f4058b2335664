//! What an engine can run, by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Error;
use super::host::Host;
use super::schedule::ScheduleWorkflow;
use crate::codec::{DecodeError, EncodeError, Payload};
use crate::id::Position;
use crate::plan::{PlanProblem, Reached, WorkflowMeta, WorkflowRef, check_across, reach, reach_step};
use crate::platform::BoxFuture;
use crate::record::UndoKind;
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

    /// Its body over recorded arguments, from a root scope.
    fn body(
        &self,
        host: Arc<dyn Host>,
        input: &Payload,
        root: Position,
    ) -> Result<BoxFuture<'static, BodyEnd>, DecodeError>;
}

/// The workflows of an engine and every step that they reach.
#[derive(Default)]
pub(crate) struct Registry {
    workflows: HashMap<&'static str, BTreeMap<u32, Arc<dyn Workflow>>>,
    steps: BTreeMap<&'static str, &'static StepMeta>,
}

impl Registry {
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
            unique("sagas", name, same.iter().map(|saga| saga.site))?;
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
            unique("sagas", name, [found.site, meant.site].into_iter())?;
        }
        Ok(())
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
