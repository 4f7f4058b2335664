//! The server's rules, without a file or a socket: what was asked, and what is answered.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{End, Line, Manner, manner};
use crate::api::{Advice, Chat, Letter, Message, Reply, Sent, Tool, Voucher, Withdrawn};
use crate::orders::Order;

/// What the server can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// The model.
    Chat,
    /// A tool.
    PastOrders,
    /// A tool.
    Budget,
    /// A voucher.
    Give,
    /// The vouchers of an order back.
    Withdraw,
    /// A letter.
    Send,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// What the model is told.
    Chat(Chat),
    /// A tool that it wanted to be used.
    Tool(Tool),
    /// A voucher is wanted.
    Give(Voucher),
    /// All vouchers of this order are to go, and there are to be none.
    Withdraw(String),
    /// A letter is to go.
    Send(Letter),
}

impl Asked {
    /// What is asked for.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Asked::Chat(_) => Operation::Chat,
            Asked::Tool(Tool::PastOrders { .. }) => Operation::PastOrders,
            Asked::Tool(Tool::Budget { .. }) => Operation::Budget,
            Asked::Give(_) => Operation::Give,
            Asked::Withdraw(_) => Operation::Withdraw,
            Asked::Send(_) => Operation::Send,
        }
    }

    /// The order or the customer that it is about.
    #[must_use]
    pub fn about(&self) -> &str {
        match self {
            Asked::Chat(Chat { messages }) => match messages.first() {
                Some(Message::Order(order)) => &order.id,
                _ => "",
            },
            Asked::Tool(Tool::PastOrders { customer }) => customer,
            Asked::Tool(Tool::Budget { order }) | Asked::Withdraw(order) => order,
            Asked::Give(voucher) => &voucher.order,
            Asked::Send(letter) => &letter.order,
        }
    }
}

/// How a request is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What became of it.
    pub end: End,
    /// The body of the answer.
    pub answer: Value,
}

/// What was asked until now, and the orders that the server knows.
#[derive(Debug)]
pub struct Books {
    lines: Vec<Line>,
    orders: Vec<Order>,
    keeps_keys: bool,
}

impl Books {
    /// The books of a log. If they do not keep keys, what is asked again is done again.
    #[must_use]
    pub fn new(lines: Vec<Line>, orders: Vec<Order>, keeps_keys: bool) -> Books {
        Books { lines, orders, keeps_keys }
    }

    /// How many lines there are.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What a request is answered with. Changes nothing: see [`Books::enter`].
    #[must_use]
    pub fn decide(&self, asked: &Asked, key: &str) -> Decision {
        let (operation, about) = (asked.operation(), asked.about());
        let manner = manner(operation, about, self.asked(operation, about));
        let known = self.lines.iter().find(|line| line.key == key && line.end.is_kept());
        let refused = |reason: &str| Decision { end: End::Refused, answer: json!({ "reason": reason }) };
        if let Some(known) = known.filter(|_| self.keeps_keys) {
            return match known.end {
                _ if known.asked != *asked => refused("the idempotency key belongs to another request"),
                End::Refused => Decision { end: End::Refused, answer: known.answer.clone() },
                _ => Decision { end: End::Again { line: known.line }, answer: known.answer.clone() },
            };
        }
        match manner {
            Manner::Busy => return Decision { end: End::Busy, answer: json!({ "reason": "busy" }) },
            Manner::TooMany => return Decision { end: End::TooMany, answer: json!({ "reason": "too many requests" }) },
            Manner::Refuses => return refused("the address is not known"),
            Manner::Prompt | Manner::HangsUp => {}
        }
        match self.done(asked) {
            Ok(answer) if manner == Manner::HangsUp => Decision { end: End::HungUp, answer },
            Ok(answer) => Decision { end: End::Done, answer },
            Err(reason) => refused(reason),
        }
    }

    /// Enters a line that stands in the log.
    pub fn enter(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// How often this was asked before, under whatever key.
    fn asked(&self, operation: Operation, about: &str) -> usize {
        self.lines.iter().filter(|line| line.asked.operation() == operation && line.asked.about() == about).count()
    }

    fn done(&self, asked: &Asked) -> Result<Value, &'static str> {
        let next = self.lines.len() as u64 + 1;
        Ok(match asked {
            Asked::Chat(chat) => json!(reply(chat, next).ok_or("no order is told")?),
            Asked::Tool(Tool::PastOrders { customer }) => {
                json!(self.orders.iter().filter(|order| order.customer == *customer).collect::<Vec<_>>())
            }
            Asked::Tool(Tool::Budget { order }) => json!(self.budget(order)),
            Asked::Give(voucher) if self.withdrawn(&voucher.order) => return Err("the vouchers were withdrawn"),
            Asked::Give(voucher) => json!(voucher),
            Asked::Withdraw(order) => json!(Withdrawn { vouchers: self.given(order) }),
            Asked::Send(letter) => json!(Sent { number: next, letter: letter.clone() }),
        })
    }

    /// What an order that is not the customer's first is worth, in part.
    fn budget(&self, order: &str) -> u64 {
        let found = self.orders.iter().position(|known| known.id == order);
        let earlier = |at: usize| self.orders[..at].iter().any(|known| known.customer == self.orders[at].customer);
        found.filter(|at| earlier(*at)).map_or(0, |at| self.orders[at].amount_cents / 10)
    }

    /// What was done, of one operation, about this.
    fn did(&self, operation: Operation, about: &str) -> impl Iterator<Item = &Line> {
        let of = move |line: &&Line| line.asked.operation() == operation && line.asked.about() == about;
        self.lines.iter().filter(|line| line.end.did()).filter(of)
    }

    fn withdrawn(&self, order: &str) -> bool {
        self.did(Operation::Withdraw, order).next().is_some()
    }

    fn given(&self, order: &str) -> u64 {
        if self.withdrawn(order) { 0 } else { self.did(Operation::Give, order).count() as u64 }
    }
}

/// What the model says. It wants both of its tools used, and then makes up its mind, each time another one: `number` is
/// chance.
fn reply(chat: &Chat, number: u64) -> Option<Reply> {
    let Some(Message::Order(order)) = chat.messages.first() else { return None };
    let (mut past, mut budget) = (None, None);
    for message in &chat.messages {
        match message {
            Message::Used { tool: Tool::PastOrders { .. }, gave } => past = gave.as_array().map(Vec::len),
            Message::Used { tool: Tool::Budget { .. }, gave } => budget = gave.as_u64(),
            Message::Order(_) => {}
        }
    }
    let Some(past) = past else { return Some(Reply::Use(Tool::PastOrders { customer: order.customer.clone() })) };
    let Some(budget) = budget else { return Some(Reply::Use(Tool::Budget { order: order.id.clone() })) };
    let voucher_cents = if budget == 0 { 0 } else { 1 + (budget - 1) * (number % 7) / 7 };
    let pieces = order.quantity;
    let text = format!("Thank you for this order of {pieces}, one of {past}. (Words no. {number}.)");
    Some(Reply::Answer(Advice { text, voucher_cents }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::load;

    fn books(keeps_keys: bool) -> Books {
        Books::new(Vec::new(), load(None).unwrap(), keeps_keys)
    }

    fn voucher(order: &str) -> Asked {
        Asked::Give(Voucher { code: "v".to_owned(), order: order.to_owned(), cents: 5 })
    }

    fn ask(books: &mut Books, asked: &Asked, key: &str) -> Decision {
        let Decision { end, answer } = books.decide(asked, key);
        let (line, key, by) = (books.lines().len() as u64 + 1, key.to_owned(), String::new());
        books.enter(Line { line, key, asked: asked.clone(), end, answer: answer.clone(), by });
        Decision { end, answer }
    }

    #[test]
    fn what_is_asked_again_under_one_key_is_done_once_if_keys_are_kept() {
        for (keeps_keys, end) in [(true, End::Again { line: 1 }), (false, End::Done)] {
            let mut books = books(keeps_keys);
            let first = ask(&mut books, &voucher("cd-00001"), "k");
            let again = ask(&mut books, &voucher("cd-00001"), "k");
            assert_eq!((first.end, again.end, first.answer), (End::Done, end, again.answer));
        }
    }

    #[test]
    fn what_is_refused_stays_refused_and_what_is_busy_does_not() {
        let mut books = books(true);
        let withdraw = Asked::Withdraw("cd-00001".to_owned());
        let ends = [1, 2, 3].map(|_| ask(&mut books, &withdraw, "w").end);
        assert_eq!(ends, [End::Busy, End::Done, End::Again { line: 2 }]);
        let ends = [1, 2].map(|_| ask(&mut books, &voucher("cd-00001"), "k").end);
        assert_eq!(ends, [End::Refused, End::Refused], "a voucher that comes late is barred");
        assert_eq!(ask(&mut books, &voucher("cd-00005"), "k").end, End::Refused, "the key belongs to another request");
    }

    #[test]
    fn a_voucher_that_nobody_was_told_of_is_withdrawn() {
        let mut books = books(false);
        assert_eq!(ask(&mut books, &voucher("cd-00002"), "k").end, End::HungUp);
        let withdraw = Asked::Withdraw("cd-00002".to_owned());
        let answers = [1, 2, 3].map(|_| ask(&mut books, &withdraw, "w").answer);
        assert_eq!((&answers[1]["vouchers"], &answers[2]["vouchers"]), (&json!(1), &json!(0)));
    }

    #[test]
    fn the_model_wants_both_tools_used_and_then_says_something_else_each_time() {
        let mut books = books(false);
        let order = load(None).unwrap().remove(1);
        let mut messages = vec![Message::Order(order)];
        let mut say = |messages: &[Message]| {
            let chat = Asked::Chat(Chat { messages: messages.to_vec() });
            serde_json::from_value::<Reply>(ask(&mut books, &chat, "c").answer).unwrap()
        };
        for gave in [json!([1, 2]), json!(300)] {
            let Reply::Use(tool) = say(&messages) else { panic!("it knows all") };
            messages.push(Message::Used { tool, gave });
        }
        let (Reply::Answer(one), Reply::Answer(other)) = (say(&messages), say(&messages)) else { panic!("no answer") };
        assert_ne!(one, other);
        assert!((1..=300).contains(&one.voucher_cents), "{one:?}");
    }
}
