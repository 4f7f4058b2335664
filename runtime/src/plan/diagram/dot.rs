//! A graph in the DOT language.

use super::graph::{Graph, Shape};

pub(super) fn write(graph: &Graph) -> String {
    let mut text = String::from("digraph saga {\n    node [shape=box];\n");
    group(graph, None, 1, &mut text);
    for edge in &graph.edges {
        let style = if edge.dashed { " [style=dashed]" } else { "" };
        text += &format!("    n{} -> n{}{style};\n", edge.from, edge.to);
    }
    text + "}\n"
}

fn group(graph: &Graph, of: Option<usize>, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.group == of) {
        *text += &format!("{indent}n{index} [label=\"{}\"{}];\n", escape(&node.label), style(node.shape));
    }
    for (index, inner) in graph.groups.iter().enumerate().filter(|(_, group)| group.parent == of) {
        *text += &format!("{indent}subgraph cluster_{index} {{\n{indent}    label=\"{}\";\n", escape(inner.label));
        group(graph, Some(index), depth + 1, text);
        *text += &format!("{indent}}}\n");
    }
}

fn style(shape: Shape) -> &'static str {
    match shape {
        Shape::Terminal => ", shape=oval",
        Shape::Step => "",
        Shape::Undoable => ", style=dashed",
        Shape::Pivot => ", shape=hexagon",
        Shape::Saga => ", peripheries=2",
        Shape::Wait => ", shape=parallelogram",
        Shape::Value => ", style=rounded",
        Shape::Choice => ", shape=diamond",
        Shape::Repeat => ", shape=circle",
        Shape::Fork => ", shape=point",
        Shape::Unknown => ", style=dotted",
    }
}

/// A label without anything that ends it.
fn escape(label: &str) -> String {
    label.chars().fold(String::new(), |mut text, c| {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
        text
    })
}
