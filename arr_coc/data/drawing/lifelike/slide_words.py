"""What slides say."""

from __future__ import annotations

from arr_coc.data.drawing.words import listed

OPENINGS = listed(
    "Improve|Reduce|Review|Extend|Plan|Measure|Explain|Replace|Test|Publish|Train|Agree on|Finish|Start|Compare|"
    "Simplify|Document|Protect|Move|Share"
)


OBJECTS = listed(
    "the delivery times|our price list|customer feedback|the test results|energy use|travel costs|the new website|"
    "staff training|data quality|the safety rules|"
    "open invoices|supplier contracts|the second prototype|the field study|response times|the annual budget|"
    "waste in packaging|the pilot project|the user manual|"
    "error reports|the survey sample|machine downtime|the model's accuracy|storage space"
)


ENDS = (
    "",
    "",
    "",
    "by {date}",
    "in {place}",
    "with {name}",
    "by {n}%",
    "in Q{q}",
    "before summer",
    "for {place}",
    "every week",
    "({n} days)",
)


HEADS = (
    "Goals",
    "Risks",
    "Next steps",
    "Results",
    "Methods",
    "Costs",
    "Benefits",
    "Before",
    "After",
    "Pros",
    "Cons",
    "Status",
    "Lessons learnt",
    "Open questions",
    "Budget",
    "Outlook",
)


TITLES = ("Agenda", "Overview", "Summary", "Key findings", "Our approach", "What we learnt",
    "{thing}: where we stand", "{brand} strategy {year}", "Results for {year}",
          "Why {thing} matters", "Project {brand}", "Roadmap {year}", "{place} office: update", "How we work",
          "Conclusion", "Questions about {thing}")  # fmt: skip


QUOTES = listed(
    "What gets measured gets done twice.|A map is not the journey, but bring one.|Small steps are still steps.|"
    "Nobody reads the manual until it rains.|"
    "Listen first, then listen again.|Simple things last longest.|The best meeting is the one that ends early."
)
