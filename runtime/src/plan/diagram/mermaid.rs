//! A graph as a Mermaid flowchart.

use super::graph::{Graph, Shape};

pub(super) fn write(graph: &Graph) -> String {
    let mut text = String::from("flowchart TD\n");
    group(graph, None, 1, &mut text);
    for edge in &graph.edges {
        let arrow = if edge.dashed { "-.->" } else { "-->" };
        text += &format!("    n{} {arrow} n{}\n", edge.from, edge.to);
    }
    let undoable = graph.nodes.iter().enumerate().filter(|(_, node)| node.shape == Shape::Undoable);
    let undoable: Vec<String> = undoable.map(|(index, _)| format!("n{index}")).collect();
    if !undoable.is_empty() {
        text += "    classDef undoable stroke-dasharray: 5 5\n";
        text += &format!("    class {} undoable\n", undoable.join(","));
    }
    text
}

fn group(graph: &Graph, of: Option<usize>, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.group == of) {
        let (open, close) = brackets(node.shape);
        *text += &format!("{indent}n{index}{open}\"{}\"{close}\n", escape(&node.label));
    }
    for (index, inner) in graph.groups.iter().enumerate().filter(|(_, group)| group.parent == of) {
        *text += &format!("{indent}subgraph g{index}[\"{}\"]\n", escape(inner.label));
        group(graph, Some(index), depth + 1, text);
        *text += &format!("{indent}end\n");
    }
}

fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Terminal => ("([", "])"),
        Shape::Step | Shape::Undoable => ("[", "]"),
        Shape::Pivot => ("{{", "}}"),
        Shape::Saga => ("[[", "]]"),
        Shape::Wait => ("[/", "/]"),
        Shape::Value => ("(", ")"),
        Shape::Choice => ("{", "}"),
        Shape::Repeat | Shape::Fork => ("((", "))"),
        Shape::Unknown => (">", "]"),
    }
}

/// A label without anything that Mermaid would take for its own.
fn escape(label: &str) -> String {
    if label.is_empty() {
        return " ".to_owned();
    }
    label.chars().fold(String::new(), |mut text, c| {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | ';' | '\\' => text += &format!("#{};", u32::from(c)),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
        text
    })
}
