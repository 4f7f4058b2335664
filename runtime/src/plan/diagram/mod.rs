//! A saga's plan as a drawing.
//!
//! Owns the graph of a plan and how it is written for Mermaid and for
//! Graphviz. What must always hold: each operation of the plan is one node,
//! each nested saga is one node with its name, however it goes on inside, and
//! the same plan gives the same text.

mod dot;
mod graph;
mod mermaid;
#[cfg(test)]
mod tests;

use super::{Drawing, Plan, WorkflowMeta};
use graph::Graph;

/// A drawing of what a saga or a state machine does: see [`diagram`](crate::diagram()).
#[derive(Debug, Clone)]
pub struct Diagram {
    drawn: Drawn,
}

#[derive(Debug, Clone)]
enum Drawn {
    Saga(Graph),
    /// It was drawn when it was compiled.
    Machine(&'static Drawing),
}

impl Diagram {
    #[doc(hidden)]
    #[must_use]
    pub fn of(workflow: &WorkflowMeta) -> Diagram {
        let drawn = match workflow.plan {
            Plan::Machine(graph) => Drawn::Machine(&graph.drawing),
            _ => Drawn::Saga(Graph::of(workflow)),
        };
        Diagram { drawn }
    }

    /// The drawing in Mermaid's language, which Markdown can hold: a saga's flowchart, a machine's states.
    #[must_use]
    pub fn mermaid(&self) -> String {
        match &self.drawn {
            Drawn::Saga(graph) => mermaid::write(graph),
            Drawn::Machine(drawing) => drawing.mermaid.to_owned(),
        }
    }

    /// The drawing in the DOT language of Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        match &self.drawn {
            Drawn::Saga(graph) => dot::write(graph),
            Drawn::Machine(drawing) => drawing.dot.to_owned(),
        }
    }

    /// What each state of a machine does with each signal, as a table in Markdown; of a saga, nothing.
    #[must_use]
    pub fn table(&self) -> String {
        match &self.drawn {
            Drawn::Saga(_) => String::new(),
            Drawn::Machine(drawing) => drawing.table.to_owned(),
        }
    }
}
