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

use super::WorkflowMeta;
use graph::Graph;

/// A drawing of what a saga does: see [`diagram`](crate::diagram()).
#[derive(Debug, Clone)]
pub struct Diagram {
    graph: Graph,
}

impl Diagram {
    pub(crate) fn of(saga: &WorkflowMeta) -> Diagram {
        Diagram { graph: Graph::of(saga) }
    }

    /// The drawing as a Mermaid flowchart, which Markdown can hold.
    #[must_use]
    pub fn mermaid(&self) -> String {
        mermaid::write(&self.graph)
    }

    /// The drawing in the DOT language of Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        dot::write(&self.graph)
    }
}
