//! Drawings, word for word.

use factum::diagram;
use factum::prelude::*;

#[step]
async fn release(n: u32) {
    let _ = n;
}

#[step(compensate = release(n))]
async fn reserve(n: u32) {
    let _ = n;
}

#[step(pivot)]
async fn charge(n: u32) {
    let _ = n;
}

#[step(name = "say \"<hello>\" \\ `#1`;")]
async fn odd(n: u32) -> bool {
    n > 1
}

#[saga(version = 2)]
async fn ship(n: u32) {
    if n > 0 {
        ship(n - 1).await;
    }
}

#[test]
fn a_saga_is_drawn_with_its_branches_and_its_ends() {
    #[saga]
    async fn checkout(n: u32) {
        reserve(n).await;
        if n == 1 {
            return;
        }
        match n {
            2 => charge(n).await,
            3 => {
                ship(n).await;
                return;
            }
            _ => {}
        }
        let _ = spawn(ship(n)).await;
    }
    let drawn = diagram(checkout);
    assert_eq!(
        drawn.mermaid(),
        r#"flowchart TD
    n0(["checkout"])
    n1["reserve (undoable)"]
    n2{"?"}
    n3{{"charge (pivot)"}}
    n4[["ship v2"]]
    n5[["spawn ship v2"]]
    n6(["end"])
    n0 --> n1
    n1 --> n2
    n2 --> n3
    n2 --> n4
    n2 --> n5
    n3 --> n5
    n5 --> n6
    n4 --> n6
    classDef undoable stroke-dasharray: 5 5
    class n1 undoable
"#
    );
    assert_eq!(
        drawn.dot(),
        r#"digraph saga {
    node [shape=box];
    n0 [label="checkout", shape=oval];
    n1 [label="reserve (undoable)", style=dashed];
    n2 [label="?", shape=diamond];
    n3 [label="charge (pivot)", shape=hexagon];
    n4 [label="ship v2", peripheries=2];
    n5 [label="spawn ship v2", peripheries=2];
    n6 [label="end", shape=oval];
    n0 -> n1;
    n1 -> n2;
    n2 -> n3;
    n2 -> n4;
    n2 -> n5;
    n3 -> n5;
    n5 -> n6;
    n4 -> n6;
}
"#
    );
}

#[test]
fn loops_go_back_and_groups_are_framed() {
    #[saga]
    async fn work(n: u32) {
        loop {
            race((sleep(days(1)), join((now(), reserve(n))))).await;
            if n == 1 {
                pause("a while").await;
                continue;
            }
            if n == 2 {
                publish(&n).await;
                break;
            }
            all((0..n).map(reserve)).await;
        }
        let call = ship(n);
        call.await;
        again(work(n)).await
    }
    let drawn = diagram(work);
    assert_eq!(
        drawn.mermaid(),
        r#"flowchart TD
    n0(["work"])
    n1(("loop"))
    n7{"?"}
    n8[/"pause"/]
    n9{"?"}
    n10("publish")
    n13>"known when it runs"]
    n14[["again work"]]
    subgraph g0["race"]
        n2((" "))
        n3[/"sleep"/]
        subgraph g1["join"]
            n4((" "))
            n5("now")
            n6["reserve (undoable)"]
        end
    end
    subgraph g2["all"]
        n11((" "))
        n12["reserve (undoable)"]
    end
    n0 --> n1
    n1 --> n2
    n2 --> n3
    n2 --> n4
    n4 --> n5
    n4 --> n6
    n3 --> n7
    n5 --> n7
    n6 --> n7
    n7 --> n8
    n7 --> n9
    n9 --> n10
    n9 --> n11
    n11 --> n12
    n12 --> n1
    n8 --> n1
    n1 --> n13
    n10 --> n13
    n13 --> n14
    n14 -.-> n0
    classDef undoable stroke-dasharray: 5 5
    class n6,n12 undoable
"#
    );
    assert_eq!(
        drawn.dot(),
        r#"digraph saga {
    node [shape=box];
    n0 [label="work", shape=oval];
    n1 [label="loop", shape=circle];
    n7 [label="?", shape=diamond];
    n8 [label="pause", shape=parallelogram];
    n9 [label="?", shape=diamond];
    n10 [label="publish", style=rounded];
    n13 [label="known when it runs", style=dotted];
    n14 [label="again work", peripheries=2];
    subgraph cluster_0 {
        label="race";
        n2 [label="", shape=point];
        n3 [label="sleep", shape=parallelogram];
        subgraph cluster_1 {
            label="join";
            n4 [label="", shape=point];
            n5 [label="now", style=rounded];
            n6 [label="reserve (undoable)", style=dashed];
        }
    }
    subgraph cluster_2 {
        label="all";
        n11 [label="", shape=point];
        n12 [label="reserve (undoable)", style=dashed];
    }
    n0 -> n1;
    n1 -> n2;
    n2 -> n3;
    n2 -> n4;
    n4 -> n5;
    n4 -> n6;
    n3 -> n7;
    n5 -> n7;
    n6 -> n7;
    n7 -> n8;
    n7 -> n9;
    n9 -> n10;
    n9 -> n11;
    n11 -> n12;
    n12 -> n1;
    n8 -> n1;
    n1 -> n13;
    n10 -> n13;
    n13 -> n14;
    n14 -> n0 [style=dashed];
}
"#
    );
}

#[test]
fn odd_names_are_escaped_and_recursion_is_a_name() {
    #[saga(name = "a \"b\"", version = 3)]
    async fn named(n: u32) {
        odd(n).await;
        named(n).await;
    }
    let drawn = diagram(named);
    assert_eq!(
        drawn.mermaid(),
        r#"flowchart TD
    n0(["a #34;b#34; v3"])
    n1["say #34;#60;hello#62;#34; #92; #96;#35;1#96;#59;"]
    n2[["a #34;b#34; v3"]]
    n3(["end"])
    n0 --> n1
    n1 --> n2
    n2 --> n3
"#
    );
    assert_eq!(
        drawn.dot(),
        r#"digraph saga {
    node [shape=box];
    n0 [label="a \"b\" v3", shape=oval];
    n1 [label="say \"<hello>\" \\ `#1`;"];
    n2 [label="a \"b\" v3", peripheries=2];
    n3 [label="end", shape=oval];
    n0 -> n1;
    n1 -> n2;
    n2 -> n3;
}
"#
    );
}
