//! Unknown names: what they may have meant, and what there is.

/// How many known names a message lists at most.
const LISTED: usize = 12;

/// "; did you mean 'war'? expected one of 'rhetoric', 'war'".
pub fn hint<S: AsRef<str>>(name: &str, known: &[S]) -> String {
    let allowed = (name.chars().count() / 3).max(1);
    let near = known
        .iter()
        .map(|k| (strsim::levenshtein(&name.to_lowercase(), &k.as_ref().to_lowercase()), k.as_ref()))
        .min_by_key(|(d, _)| *d)
        .filter(|(d, _)| *d <= allowed)
        .map(|(_, k)| format!("; did you mean '{k}'?"))
        .unwrap_or_default();
    let listed: Vec<String> = known.iter().take(LISTED).map(|k| format!("'{}'", k.as_ref())).collect();
    let more = if known.len() > LISTED { format!(" and {} more", known.len() - LISTED) } else { String::new() };
    match listed.is_empty() {
        true => "; none is declared".into(),
        false => {
            format!("{}{} expected one of {}{more}", near, if near.is_empty() { ";" } else { "" }, listed.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_offered() {
        let known = ["rhetoric", "war"];
        assert_eq!(hint("wra", &known), "; expected one of 'rhetoric', 'war'");
        assert_eq!(hint("warr", &known), "; did you mean 'war'? expected one of 'rhetoric', 'war'");
        assert_eq!(hint("Rethoric", &known), "; did you mean 'rhetoric'? expected one of 'rhetoric', 'war'");
        assert_eq!(hint("x", &[""; 0]), "; none is declared");
    }

    #[test]
    fn long_lists_are_cut() {
        let known: Vec<String> = (0..20).map(|k| format!("name {k}")).collect();
        assert!(hint("other", &known).ends_with("'name 11' and 8 more"));
    }
}
