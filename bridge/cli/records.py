"""Commands about single records: held, explained, kept, taken back."""

from __future__ import annotations

import sys

import click

from bridge.cli.options import content, signed
from bridge.cli.root import Family, main


class _Asked(Family):
    """A group that lists by options: what is typed in the place of a command is most likely one of their values."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"No such command {args[0]!r}. For the records of one system: --source {args[0]}, or --partner")
        return super().resolve_command(ctx, args)


@main.group(cls=_Asked, invoke_without_command=True)
@click.option("--source", help="Only this source.")
@click.option("--partner", help="Only what was found on the way to this partner.")
@click.option("--code", help="Only problems of this code, such as UNKNOWN_CODE.")
@click.option("--limit", default=50, show_default=True, help="At most so many records.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a problem, for pipes.")
@click.pass_context
def held(
    ctx: click.Context, source: str | None, partner: str | None, code: str | None, limit: int, as_json: bool
) -> None:
    """List records that are held, each with number, file, position, field, rule and reason; or do something about one.

    No value of a person, business, plate or free text is ever shown.
    """
    if ctx.invoked_subcommand is None:
        from bridge.commands import reporting

        reporting.held(source, partner, code, limit, as_json=as_json)


@held.command("show")
@click.argument("problem", type=int)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object, for pipes.")
def held_show(problem: int, as_json: bool) -> None:
    """Show the held record of PROBLEM: file, place, rule, reason, values masked by class, and what was tried."""
    from bridge.commands import holding

    holding.show(content(), problem, as_json=as_json)


@held.command("redrive")
@click.argument("problems", type=int, nargs=-1)
@click.option("--source", help="All open problems of this source.")
@click.option("--partner", help="All open problems on the way to this partner.")
@click.option("--code", help="All open problems of this code.")
@signed
@click.option("--json", "as_json", is_flag=True, help="The books of each window as JSON, for pipes.")
def held_redrive(
    problems: tuple[int, ...],
    source: str | None,
    partner: str | None,
    code: str | None,
    by: str,
    reason: str,
    as_json: bool,
) -> None:
    """Take held records in again, once their cause is mended: their windows from the archived bytes, as a new intake.

    PROBLEMS are numbers from bridge held. Records held on the way to a partner are due again with its next share.
    """
    from bridge.commands import holding

    holding.redrive(problems, source, partner, code, by, reason, as_json=as_json)


@held.command("release")
@click.argument("problem", type=int)
@signed
def held_release(problem: int, by: str, reason: str) -> None:
    """Propose that the text of PROBLEM leave although the scan kept it back; another person must approve.

    Only TEXT_KEPT_BACK can be released, for one version of the record and one partner.
    """
    from bridge.commands import holding

    holding.release(problem, by, reason)


@held.command("approve")
@click.argument("decision", type=int)
@signed
def held_approve(decision: int, by: str, reason: str) -> None:
    """Approve the proposal DECISION, which another person made: the text leaves with the next share."""
    from bridge.commands import holding

    holding.approve(decision, by, reason)


@main.command()
@click.argument("record")
@click.argument("field", default="")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object, for pipes.")
def explain(record: str, field: str, as_json: bool) -> None:
    """Tell the way of each value of RECORD, or of one FIELD: file and place, rule, code row, mapping, partners.

    RECORD is SYSTEM:ID as the origin calls it, or the bridge id. Values of persons, businesses and free
    text are masked. What can no longer be told is said to be so.
    """
    from bridge.commands import explaining

    explaining.run(content(), record, field, as_json=as_json)


@main.group(invoke_without_command=True)
@click.option("--partner", help="Only this partner.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a record, for pipes.")
@click.pass_context
def retention(ctx: click.Context, partner: str | None, as_json: bool) -> None:
    """Show how long each partner keeps records and we keep bytes as received, and which records are due for review."""
    if ctx.invoked_subcommand is None:
        from bridge.commands import retaining

        retaining.listing(content(), partner, as_json=as_json)


@retention.command("extend")
@click.argument("record")
@click.option("--partner", required=True, help="Who may keep it longer.")
@click.option("--until", help="First moment at which it may no longer; as late as the policy allows if not given.")
@signed
def retention_extend(record: str, partner: str, until: str | None, by: str, reason: str) -> None:
    """Let a partner keep RECORD longer, within what its release policy allows."""
    from bridge.commands import retaining

    retaining.extend(content(), record, partner, by, reason, until)


@retention.command("apply")
@signed
def retention_apply(by: str, reason: str) -> None:
    """Decide that what is over its time has expired, as upkeep does every morning; the next shares take it back."""
    from bridge.commands import retaining

    retaining.apply(content(), by, reason)


@main.command()
@click.argument("record")
@click.option("--person", type=int, help="Its place among the record's persons, from 0; without it the whole record.")
@click.option("--nobody", is_flag=True, help="Of a later version: none of its persons is the exonerated one.")
@signed
@click.option("--ground", required=True, help="The legal ground, such as an article.")
def exonerate(record: str, person: int | None, nobody: bool, by: str, reason: str, ground: str) -> None:
    """Take an exonerated person out of RECORD at every partner that has it, or RECORD back from all of them.

    Each partner gets a correction or a withdrawal with its next share. Of a later version of RECORD no person leaves
    before somebody has said of it, too, which of its persons is meant.
    """
    from bridge.commands import clearing

    clearing.exonerate(record, person, by, reason, ground, nobody=nobody)


@main.command()
@click.option("--partner", help="Only this partner.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a record, for pipes.")
def overdue(partner: str | None, as_json: bool) -> None:
    """List corrections, withdrawals and erasures that a partner has not acknowledged in its promised time.

    Also what has expired, who was exonerated, and what was sent and not answered for. Exits with 1 if there is any.
    """
    from bridge.commands import clearing

    sys.exit(clearing.overdue(content(), partner, as_json=as_json))


@main.command()
@click.argument("record")
@signed
@click.option("--ground", required=True, help="The legal ground, such as an article.")
def erase(record: str, by: str, reason: str, ground: str) -> None:
    """Erase RECORD for good: every version, the archived bytes it came in, working files; partners are to withdraw it.

    RECORD is SYSTEM:ID as the origin calls it, or the bridge id. Hashes and keys stay, so that the chain of seals
    holds and nothing that comes later brings it back.
    """
    from bridge.commands import forgetting

    forgetting.erase(record, by, reason, ground)


@main.group()
def duplicates() -> None:
    """Pairs of records from several suppliers that may be one seizure: find, list and decide them."""


@duplicates.command("find")
def duplicates_find() -> None:
    """Compare what is new with what is like it: by date, country, goods, quantity, route, container and journey."""
    from bridge.commands import duplicates as pairs

    pairs.find(content())


@duplicates.command("list")
@click.option("--all", "every", is_flag=True, help="Also pairs that were decided.")
@click.option("--limit", default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a pair, for pipes.")
def duplicates_list(limit: int, every: bool, as_json: bool) -> None:
    """List pairs that wait for a decision, the likeliest first, each with what agrees."""
    from bridge.commands import duplicates as pairs

    pairs.show(limit, every=every, as_json=as_json)


@duplicates.command("decide")
@click.argument("number", type=int)
@click.option("--same", is_flag=True, help="One seizure: only the first report stands, partners give the second back.")
@click.option("--different", is_flag=True, help="Two seizures; undoes --same.")
@signed
def duplicates_decide(number: int, by: str, reason: str, same: bool, different: bool) -> None:
    """Decide whether pair NUMBER is one seizure; nothing is ever merged by a guess."""
    from bridge.commands import duplicates as pairs

    pairs.decide(content(), number, by, reason, same=same, different=different)


@main.group()
def requests() -> None:
    """What suppliers are asked to correct, where another supplier's report or amendment says otherwise."""


@requests.command("list")
@click.option("--all", "every", is_flag=True, help="Also requests that were answered or are settled.")
@click.option("--limit", default=50, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a request, for pipes.")
def requests_list(limit: int, every: bool, as_json: bool) -> None:
    """List requests that wait for an answer, the oldest first: record, field, who supplied it, who says otherwise."""
    from bridge.commands import requests as asked

    asked.show_all(limit, every=every, as_json=as_json)


@requests.command("show")
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object, for pipes.")
def requests_show(number: int, as_json: bool) -> None:
    """Show request NUMBER: what both reports say, masked by class, and who said that they are of one seizure."""
    from bridge.commands import requests as asked

    asked.show(content(), number, as_json=as_json)


@requests.command("answer")
@click.argument("number", type=int)
@click.option("--amend", is_flag=True, help="The supplier will amend its record and send it anew.")
@click.option("--keep", is_flag=True, help="The supplier keeps what it said.")
@click.option("--hand-over", is_flag=True, help="The supplier lets the one who would amend the record have it.")
@signed
def requests_answer(number: int, by: str, reason: str, amend: bool, keep: bool, hand_over: bool) -> None:
    """Put down what the supplier answers to request NUMBER; no value changes by it, for only the supplier amends.

    Another person than the one who said that the two reports are of one seizure.
    """
    from bridge.commands import requests as asked

    asked.answer(number, by, reason, amend=amend, keep=keep, hand_over=hand_over)
