//! Drawing a saga by its function.

use super::SagaFn;
use crate::plan::{Diagram, WorkflowSig};

/// Draws a saga: its steps, branches, loops and groups, as the compiler knows them. Nothing runs.
///
/// ```
/// use factum::prelude::*;
///
/// #[step]
/// async fn greet(name: String) -> String {
///     format!("hello, {name}")
/// }
///
/// #[saga]
/// async fn welcome(name: String) -> String {
///     sleep(seconds(1)).await;
///     greet(name).await
/// }
///
/// assert_eq!(
///     factum::diagram(welcome).mermaid(),
///     r#"flowchart TD
///     n0(["welcome"])
///     n1[/"sleep"/]
///     n2["greet"]
///     n3(["end"])
///     n0 --> n1
///     n1 --> n2
///     n2 --> n3
/// "#
/// );
/// ```
pub fn diagram<Shape, F: SagaFn<Shape>>(saga: F) -> Diagram {
    let _ = saga;
    Diagram::of(F::Saga::meta())
}
