//! What a misspelt name was probably meant to be.

/// The known name that `wrong` is closest to, if it is close.
pub(crate) fn nearest<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let begins = |name: &str| wrong.len() > 2 && (wrong.starts_with(name) || name.starts_with(wrong));
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(name) = known.iter().find(|name| begins(name)) {
        return Some(name);
    }
    known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(wrong.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Edits, and swaps of neighbours, from one text to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 5] = ["retry", "timeout", "compensate", "pure", "name"];

    #[test]
    fn a_slip_finds_its_key() {
        assert_eq!(nearest("retires", KEYS), Some("retry"));
        assert_eq!(nearest("tiemout", KEYS), Some("timeout"));
        assert_eq!(nearest("compensation", KEYS), Some("compensate"));
        assert_eq!(nearest("nmae", KEYS), Some("name"));
        assert_eq!(nearest("timeouts", KEYS), Some("timeout"));
        assert_eq!(nearest("comp", KEYS), Some("compensate"));
    }

    #[test]
    fn a_foreign_word_finds_nothing() {
        assert_eq!(nearest("idempotency_key", KEYS), None);
        assert_eq!(nearest("x", KEYS), None);
        assert_eq!(nearest("", KEYS), None);
    }
}
