//! A page that shows the machine: its diagram as Mermaid text, and what each state does with each signal.
//!
//! No script comes with it: the text can be pasted into whatever draws Mermaid, and with Mermaid's script in the page it is
//! drawn in place.

use axum::response::Html;

use crate::machine::Order;

/// The page.
pub(super) async fn diagram() -> Html<String> {
    let diagram = Order::diagram();
    let (graph, table) = (escaped(&diagram.mermaid()), table(&diagram.table()));
    Html(format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>The life of an order</title>\n\
         <h1>The life of an order</h1>\n<pre class=\"mermaid\">\n{graph}</pre>\n\
         <h2>What a state does with a signal</h2>\n{table}</html>\n"
    ))
}

/// A table in Markdown as one in HTML.
fn table(markdown: &str) -> String {
    let mut html = String::from("<table>\n");
    // The line under the head has no words.
    for (at, line) in markdown.lines().enumerate().filter(|(at, _)| *at != 1) {
        let tag = if at == 0 { "th" } else { "td" };
        let cells = line.trim().trim_matches('|').split('|');
        let cells: String = cells.map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell.trim()))).collect();
        html += &format!("<tr>{cells}</tr>\n");
    }
    html + "</table>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
