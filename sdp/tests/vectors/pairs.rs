//! Offers and answers that RFCs print.

use serde_json::Value;

use crate::report::{Report, cases, need, str};
use crate::{examples, report, shared};

pub(crate) fn check(report: &mut Report, file: &Value) {
    let examples = report::json("sdp/rfc_examples.json");
    for pair in cases(file, "pairs") {
        let id = format!("{} {}", str(pair, "offer"), str(pair, "answer"));
        match &examples {
            Some(examples) => report.case(&id, one(pair, examples)),
            None => report.passed_over(&id, "without the file of examples"),
        }
    }
}

fn one(pair: &Value, examples: &Value) -> Result<(), String> {
    let find = |key: &str| {
        let case = cases(examples, "rfc_examples").find(|case| case["id"] == pair[key]);
        let text = str(case.ok_or(format!("no example {}", pair[key]))?, "sdp");
        Ok::<_, String>(examples::with_addresses(text))
    };
    let (offer, answer) = (find("offer")?, find("answer")?);
    let same = offer.media().len() == answer.media().len();
    need(pair["m_line_count_equal"] == same, || {
        "numbers of sections".to_owned()
    })?;
    let rejected: Vec<_> = (0..answer.media().len())
        .filter(|index| answer.media()[*index].port() == 0)
        .collect();
    need(
        pair["answer_rejects"] == serde_json::json!(rejected),
        || format!("{rejected:?}"),
    )?;
    let _ = shared::answer_as_browser(&offer);
    Ok(())
}
