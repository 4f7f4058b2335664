//! Lives of orders over HTTP, without a crash: what is answered, and what comes of it.
#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod common;

use std::time::Duration;

use common::{Server, answer, command, free, kept, sent_back, settled};
use order_lifecycle::ledger::Operation::{BookReturn, Charge, Refund, Ship};
use serde_json::{Value, json};

#[tokio::test]
async fn a_whole_life() {
    let mut server = Server::start().await;
    let (mut seen, mut answers) = (Vec::new(), Vec::new());
    for (at, request) in sent_back().requests.iter().enumerate() {
        let answer = server.ask(|server| request.to(server, at)).await;
        assert_eq!(answer.status, request.status, "{at}: {answer:?}");
        answers.push(answer);
        seen.push(settled(&mut server, request).await);
    }
    assert_eq!(seen[1]["purchase"]["declined"], "the card was declined");
    assert_eq!(seen[3]["purchase"]["payments"][1], json!({"reference": "cd-00001/2", "cents": 1933}));
    assert_eq!(answers[4].body["state"], "Paid");
    assert_eq!(answers[4].body["accepts"], json!(["Packed", "Cancel"]));
    assert_eq!(answers[6].body["accepts"], json!(["DeliveryReport"]));
    assert_eq!(seen[10]["refunded_cents"], 2933);
    assert_eq!(seen[10]["why"], json!({"returned": "two of them"}));
    let due = [
        (Charge, "cd-00001/1", 1000),
        (Charge, "cd-00001/2", 1933),
        (Ship, "cd-00001", 0),
        (BookReturn, "cd-00001", 0),
        (Refund, "cd-00001/1", 1000),
        (Refund, "cd-00001/2", 1933),
    ];
    assert_eq!(server.ledger(), due.map(|(operation, about, cents)| (operation, about.to_owned(), cents)));
    // It has ended: nothing is taken any more, but what was taken is still known.
    assert_eq!(server.tell("/orders/cd-00001/pay", "new", &json!({"card": "4000"})).await.status, 409);
    assert_eq!(server.tell("/orders/cd-00001/received", "10", &json!({})).await.status, 202);
}

#[tokio::test]
async fn an_id_is_one_order() {
    let mut server = Server::start().await;
    let mut order = kept(1);
    let first = server.tell("/orders", "", &order).await;
    let again = server.tell("/orders", "", &order).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!((&first.body["state"], &again.body["state"]), (&json!("Placed"), &json!("Placed")));
    assert_eq!(first.body["accepts"], json!(["Pay", "Cancel"]));
    order["quantity"] = json!(7);
    let other = server.tell("/orders", "", &order).await;
    assert_eq!(other.status, 409);
    assert_eq!(other.body["error"], "run `cd-00002` exists with another input");
    order["order"] = json!("");
    assert_eq!(server.tell("/orders", "", &order).await.status, 400);
}

#[tokio::test]
async fn what_nobody_knows_or_can_read_is_refused() {
    let mut server = Server::start().await;
    let unknown = answer(server.get("/orders/nobody")).await.unwrap();
    assert_eq!((unknown.status, &unknown.body["error"]), (404, &json!("there is no run `nobody`")));
    assert_eq!(server.tell("/orders/nobody/cancel", "", &json!({})).await.status, 404);
    assert_eq!(server.tell("/orders", "", &json!({"order": "x"})).await.status, 400);
    server.tell("/orders", "", &kept(2)).await;
    let misspelt = server.tell("/orders/cd-00003/pay", "", &json!({"crad": "4000"})).await;
    assert_eq!(misspelt.status, 400);
    assert_eq!(answer(server.get("/orders?after=x")).await.unwrap().status, 400);
    let misspelt = answer(server.get("/orders/cd-00003?wait=Payd")).await.unwrap();
    assert_eq!(misspelt.status, 400);
    assert!(
        misspelt.body["error"].as_str().is_some_and(|error| error.starts_with("no order is ever `Payd`, but Placed"))
    );
}

#[tokio::test]
async fn one_payment_that_is_sent_twice_is_taken_once() {
    let mut server = Server::start().await;
    server.tell("/orders", "", &kept(0)).await;
    let part = json!({"card": "4000", "amount_cents": 500});
    for key in ["a", "a", "b"] {
        assert_eq!(server.tell("/orders/cd-00001/pay", key, &part).await.status, 202);
    }
    let seen = server.show("/orders/cd-00001?visit=2").await;
    assert_eq!(seen["purchase"]["payments"].as_array().unwrap().len(), 2);
    server.tell("/orders/cd-00001/cancel", "", &json!({})).await;
    let seen = server.show("/orders/cd-00001?wait=Refunded").await;
    assert_eq!((&seen["refunded_cents"], &seen["why"]), (&json!(1000), &json!("cancelled")));
    assert_eq!(server.ledger().len(), 4, "two charges and two refunds");
}

#[tokio::test]
async fn orders_that_come_to_nothing_say_why() {
    let mut server = Server::start().await;
    server.tell("/orders", "", &kept(1)).await;
    server.tell("/orders/cd-00002/cancel", "", &json!({})).await;
    let cancelled = server.show("/orders/cd-00002?wait=Cancelled").await;
    assert_eq!((&cancelled["state"], &cancelled["why"]), (&json!("Cancelled"), &json!("cancelled")));

    let heavy = json!({"order": "heavy", "customer": "c", "date": "1997-01-01", "quantity": 101, "amount_cents": 9});
    server.tell("/orders", "", &heavy).await;
    server.tell("/orders/heavy/pay", "", &json!({"card": "4000"})).await;
    server.show("/orders/heavy?wait=Paid").await;
    server.tell("/orders/heavy/packed", "", &json!({})).await;
    let refunded = server.show("/orders/heavy?wait=Refunded").await;
    assert_eq!(refunded["why"], json!({"not-taken": "a parcel has 100 pieces at most"}));
    let about = |text: &str| text.to_owned();
    assert_eq!(server.ledger(), [(Charge, about("heavy/1"), 9), (Refund, about("heavy/1"), 9)]);
}

#[tokio::test]
async fn a_free_order_is_paid_at_once() {
    let mut server = Server::start().await;
    let order = free();
    server.tell("/orders", "", &order).await;
    let path = format!("/orders/{}", order["order"].as_str().unwrap());
    let seen = server.show(&format!("{path}?wait=Paid")).await;
    assert_eq!((&seen["state"], &seen["because"]), (&json!("Paid"), &json!("its handler")));
    assert_eq!(server.ledger(), []);
}

#[tokio::test]
async fn all_orders_are_listed_page_by_page() {
    let mut server = Server::start().await;
    for at in 0..5 {
        server.tell("/orders", "", &kept(at)).await;
    }
    server.tell("/orders/cd-00002/cancel", "", &json!({})).await;
    server.show("/orders/cd-00002?wait=Cancelled").await;
    let (mut listed, mut path) = (Vec::new(), "/orders?limit=2".to_owned());
    loop {
        let page = server.show(&path).await;
        let orders = page["orders"].as_array().unwrap();
        assert!(orders.len() <= 2);
        listed.extend(orders.iter().map(|order| (order["id"].clone(), order["state"].clone())));
        let Value::String(next) = &page["next"] else { break };
        path = format!("/orders?limit=2&after={next}");
    }
    let due =
        [1, 2, 3, 4, 5].map(|n| (json!(format!("cd-0000{n}")), json!(if n == 2 { "Cancelled" } else { "Placed" })));
    assert_eq!(listed, due);
}

#[tokio::test]
async fn the_page_draws_every_state_and_tells_of_every_signal() {
    let server = Server::start().await;
    let page = server.get("/diagram").send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let page = page.text().await.unwrap();
    let (_, rest) = page.split_once("<pre class=\"mermaid\">\nstateDiagram-v2\n").unwrap();
    let (graph, table) = rest.split_once("</pre>").unwrap();
    let states = [
        "Placed",
        "Paid",
        "Dispatching",
        "Shipped",
        "Delivered",
        "ReturnRequested",
        "Returning",
        "Refunding",
        "Completed",
        "Cancelled",
        "Refunded",
    ];
    for state in states {
        assert!(graph.contains(state), "{state} is not in {graph}");
        assert!(table.contains(&format!("<tr><td>{state}</td>")), "{state} is not in {table}");
    }
    for group in ["Open", "Unpaid", "Sent"] {
        assert!(graph.contains(&format!("state {group} {{")), "{group} is not in {graph}");
    }
    for arrow in ["Unpaid --&gt; Refunding : after 3 days", "Open --&gt; Refunding\n", "Placed --&gt; Placed\n"] {
        assert!(graph.contains(arrow), "{arrow} is not in {graph}");
    }
    let row = |state: &str| {
        let (_, row) = table.split_once(&format!("<tr><td>{state}</td>")).unwrap();
        row.split_once("</tr>").unwrap().0.replace("<td>", "").replace("</td>", " ")
    };
    let (_, head) = table.split_once("<tr><th>state</th>").unwrap();
    let head = head.split_once("</tr>").unwrap().0.replace("<th>", "").replace("</th>", " ");
    let policy = |state: &str, signal: &str| {
        let at = head.split(' ').position(|name| name == signal).unwrap();
        row(state).split(' ').nth(at).unwrap().to_owned()
    };
    assert_eq!(policy("Placed", "Pay"), "accept");
    assert_eq!(policy("Paid", "Cancel"), "accept");
    assert_eq!(policy("Shipped", "Cancel"), "reject");
    assert_eq!(policy("Shipped", "ReturnRequest"), "defer");
    assert_eq!(policy("Returning", "DeliveryReport"), "ignore");
    assert_eq!(policy("Refunded", "Pay"), "ended");
}

#[tokio::test]
async fn a_server_that_is_told_to_end_answers_who_waits_and_ends_in_peace() {
    for _ in 0..20 {
        let mut server = Server::start().await;
        server.tell("/orders", "", &kept(0)).await;
        let waiting = tokio::spawn(answer(server.get("/orders/cd-00001?wait=Paid")));
        server.show("/orders/cd-00001").await;
        let id = rustix::process::Pid::from_raw(i32::try_from(server.child().id().unwrap()).unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        // Who waits would wait for 30 seconds.
        let ended = tokio::time::timeout(Duration::from_secs(20), server.child().wait()).await;
        assert_eq!(ended.unwrap().unwrap().code(), Some(0));
        let answer = waiting.await.unwrap();
        server.up().await;
        assert_eq!(server.show("/orders/cd-00001").await["state"], "Placed");
        // The request may have come behind the signal, to nobody: then another one is made.
        if let Some(answer) = answer {
            assert_eq!((answer.status, &answer.body["state"]), (200, &json!("Placed")));
            return;
        }
    }
    panic!("who waits was never answered");
}

#[tokio::test]
async fn a_directory_that_is_in_use_is_refused() {
    let server = Server::start().await;
    let second = command(&server.data(), &[]).stderr(std::process::Stdio::piped()).output().await.unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.starts_with("error: "), "{said}");
}
