"""The desk: order, numbers of attempts, what is refused, what waits for the writer. No Ray, no training."""

from dataclasses import replace

import pytest

from core.engines.desk import MOST_LOSSES, Desk
from core.engines.parcel import FoldJob, Node, Parcel
from tests.engines.in_process import Threads


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hands():
    return Threads(2)


@pytest.fixture
def desk(hands, clock):
    hands.desk = Desk(hands, silence=60, clock=clock, budget=100)
    hands.desk.hello("w")
    return hands.desk


def job(fold, attempt=1, **options):
    return FoldJob("r", fold, attempt, {}, **options)


def parcel(fold, attempt, epoch=1, end="", **files):
    return Parcel("r", fold, attempt, state={"epoch": epoch}, files=files, end=end)


def begun(desk, hands):
    """(fold, attempt) of everything that was ever begun."""
    return [(each.fold, each.attempt) for _, each, _, _ in hands.started]


def taken(desk, confirmed=0):
    return desk.take("w", confirmed)["parcels"]


def test_the_oldest_begin_first_as_many_as_there_are_places(desk, hands):
    desk.arrange("w", [job(2), job(0), job(1)])
    desk.tick()
    assert begun(desk, hands) == [(2, 1), (0, 1)]
    desk.arrange("w", [job(3), job(1)])  # in another order
    assert desk.begun(("r", 2), 1, {"id": "n0"})
    assert desk.ship(parcel(2, 1, end="over"))
    hands.over.append(("task 0", ""))
    desk.tick()
    assert begun(desk, hands)[2:] == [(3, 1)]


def test_the_next_job_begins_once_the_process_of_the_one_before_is_free(desk, hands, clock):
    """Before that Ray would begin it in a process of its own, which has to load torch first, beside the other one."""
    desk.arrange("w", [job(fold) for fold in range(5)])
    desk.tick()
    desk.ship(parcel(0, 1, end="over"))
    desk.tick()
    assert begun(desk, hands) == [(0, 1), (1, 1)]
    hands.over.append(("task 0", ""))
    desk.tick()
    assert begun(desk, hands)[2:] == [(2, 1)]
    desk.cancel("w", ("r", 1))
    desk.tick()
    assert begun(desk, hands)[3:] == [(3, 1)]
    desk.ship(parcel(2, 1, end="over"))
    clock.now = 59
    desk.beat(("r", 3), 1)
    desk.tick()
    assert len(hands.started) == 4
    clock.now = 61  # its node was cut off just then: its place is not waited for any longer than a word of it would be
    desk.tick()
    assert begun(desk, hands)[4:] == [(4, 1)]


def test_what_is_not_among_what_waits_any_more_is_withdrawn(desk, hands):
    desk.arrange("w", [job(0), job(1), job(2)])
    desk.arrange("w", [job(2)])
    desk.tick()
    assert begun(desk, hands) == [(2, 1)]


def test_a_job_with_cores_has_as_many_places_as_fit_its_nodes(hands, clock):
    hands.rows = [Node("a", "a", 5), Node("b", "b", 3)]
    desk = Desk(hands, clock=clock)
    desk.hello("w")
    desk.arrange("w", [job(fold, cores=2) for fold in range(9)])
    desk.tick()
    assert len(hands.started) == 3
    assert desk.status()["places"] == 3


def test_a_share_of_a_gpu_lets_several_jobs_train_on_one(hands, clock):
    hands.rows = [Node("a", "a", 16, gpus=2.0), Node("b", "b", 64)]
    desk = Desk(hands, clock=clock)
    desk.hello("w")
    desk.arrange("w", [job(fold, gpus=1 / 3) for fold in range(9)])
    desk.tick()
    assert len(hands.started) == 6


@pytest.mark.fault(47)
def test_a_silent_attempt_is_given_up_and_what_it_sends_later_is_refused(desk, hands, clock):
    desk.arrange("w", [job(0)])
    desk.tick()
    desk.begun(("r", 0), 1, {"id": "n0", "name": "a"})
    assert desk.status()["places"] == 2
    desk.ship(parcel(0, 1, epoch=3, **{"last.pt": b"three"}))
    clock.now = 59
    desk.tick()
    assert begun(desk, hands) == [(0, 1)]
    clock.now = 61
    desk.tick()
    assert begun(desk, hands) == [(0, 1), (0, 2)]
    assert hands.stopped == ["task 0"]
    assert hands.started[1][3].id == "n1"  # not where nobody answers
    assert desk.status()["places"] == 1
    files = hands.started[1][1].files
    assert hands.started[1][2][files["r/folds/0/last.pt"]] == [b"three"]  # it goes on where the first was heard last
    assert desk.begun(("r", 0), 2, {"id": "n1", "name": "b"})
    for refused in (
        desk.beat(("r", 0), 1),
        desk.ship(parcel(0, 1, epoch=4, **{"last.pt": b"four"})),
        desk.begun(("r", 0), 1, {"id": "n0"}),
    ):
        assert refused is False
    answer = desk.take("w", 0)
    (news,) = answer["parcels"]
    assert (news.attempt, news.files, news.node["name"]) == (2, {"last.pt": b"three"}, "node 1")
    assert "attempt 1 on node 0 was lost" in news.log
    assert answer["refused"] == [(("r", 0), "fold 0: refused what attempt 1 sent; the newest is 2")]
    clock.now = 200
    assert desk.status()["places"] == 2  # it is tried again


def test_an_attempt_that_was_never_heard_has_more_time_and_is_no_loss(desk, hands, clock):
    """It may wait for cores that somebody else has, or at a node that will never begin it."""
    desk.arrange("w", [job(0)])
    desk.tick()
    clock.now = 299
    desk.tick()
    assert begun(desk, hands) == [(0, 1)]
    clock.now = 301
    desk.tick()
    assert begun(desk, hands) == [(0, 1), (0, 2)]
    assert desk.running["r", 0].losses == 0
    assert desk.begun(("r", 0), 1, {"id": "n0"}) is False  # too late


def test_a_task_that_died_is_begun_anew_before_what_waits(desk, hands):
    desk.arrange("w", [job(fold) for fold in range(4)])
    desk.tick()
    hands.over.append(("task 0", "WorkerCrashedError"))
    desk.tick()
    assert begun(desk, hands) == [(0, 1), (1, 1), (0, 2)]


def test_a_fold_that_no_node_begins_in_time_is_given_twice_the_time_each_time(desk, hands, clock):
    """On a machine with much other work a process takes its time, and no attempt would ever have begun."""
    desk.arrange("w", [job(0)])
    since = []
    for _ in range(6):
        desk.tick()
        attempt = desk.running["r", 0].number
        begun_at = clock.now
        while desk.running["r", 0].number == attempt:
            clock.now += 1
            desk.tick()
        since.append(clock.now - begun_at - 1)
    assert since == [300, 600, 1200, 2400, 2400, 2400]
    assert desk.beat(("r", 0), 7)
    hands.over.append((hands.started[-1][0], "NodeDiedError"))
    desk.tick()
    clock.now += 301
    desk.tick()
    assert desk.running["r", 0].number == 9  # who began once is measured anew


def test_a_fold_that_is_lost_again_and_again_without_an_epoch_has_failed(desk, hands):
    desk.arrange("w", [job(0)])
    for attempt in range(MOST_LOSSES + 1):
        desk.tick()
        hands.over.append((f"task {attempt}", "NodeDiedError"))
    desk.tick()
    (news,) = taken(desk)
    assert (news.end, news.state["kind"]) == ("over", "lost")
    assert "NodeDiedError" in news.state["reason"]
    desk.tick()
    assert len(hands.started) == MOST_LOSSES + 1


def test_losses_with_epochs_between_them_never_end_it(desk, hands):
    desk.arrange("w", [job(0)])
    for attempt in range(3 * MOST_LOSSES):
        desk.tick()
        desk.ship(parcel(0, attempt + 1, epoch=attempt + 1))
        hands.over.append((f"task {attempt}", "NodeDiedError"))
    desk.tick()
    assert ("r", 0) in desk.running


def test_what_was_given_is_given_again_until_it_is_confirmed(desk, hands):
    desk.arrange("w", [job(0)])
    desk.tick()
    desk.ship(parcel(0, 1, epoch=1, **{"last.pt": b"one", "best": b"b"}))
    first = desk.take("w", 0)
    desk.ship(parcel(0, 1, epoch=2, **{"last.pt": b"two"}))
    again = desk.take("w", first["batch"] - 1)  # the first was not written
    assert again["parcels"][0].files == {"last.pt": b"two", "best": b"b"}
    assert again["parcels"][0].state == {"epoch": 2}
    assert desk.take("w", again["batch"])["parcels"] == []


def test_a_batch_is_cut_where_it_grows_large_and_goes_on(desk, hands):
    desk.arrange("w", [job(0), job(1)])
    desk.tick()
    for fold in (0, 1):
        desk.ship(parcel(fold, 1, **{"last.pt": b"x" * 30}))
    first = desk.take("w", 0, 40)
    assert [each.fold for each in first["parcels"]] == [0]
    assert [each.fold for each in desk.take("w", first["batch"], 40)["parcels"]] == [1]


def test_a_file_that_is_no_more_is_not_given_whatever_was_sent_of_it_before(desk, hands):
    desk.arrange("w", [job(0)])
    desk.tick()
    assert desk.ship(parcel(0, 1, 1, last=b"1", best=b"1"))
    assert [each.files.keys() for each in taken(desk)] == [{"last", "best"}]  # which never reached the lab's disk
    assert desk.ship(replace(parcel(0, 1, 2, end="over", best=b"2"), gone=("last",)))
    (whole,) = taken(desk)
    assert (whole.files, whole.gone, whole.state, whole.end) == ({"best": b"2"}, ("last",), {"epoch": 2}, "over")
    older = parcel(0, 1, 1, last=b"1")
    older.add(replace(parcel(0, 2, 1, last=b"2"), gone=()))
    assert (older.files, older.gone) == ({"last": b"2"}, ())


def test_a_desk_rests_until_a_task_ends_and_no_shorter_where_something_is_wrong(desk, hands, monkeypatch):
    waits = []
    monkeypatch.setattr(hands, "wait", lambda tasks, seconds: waits.append((tasks, seconds)), raising=False)
    desk.rest(0.25)
    desk.arrange("w", [job(0), job(1), job(2)])
    desk.look_after()
    desk.begun(("r", 0), 1, {"id": "n0"})
    desk.ship(parcel(0, 1, end="over"))  # its process is not free yet
    desk.rest(0.25)
    assert waits == [([], 0.25), (["task 1", "task 0"], 0.25)]
    monkeypatch.setattr(hands, "nodes", lambda: 1 / 0)
    desk.look_after()
    desk.rest(0.25)
    assert waits[2:] == [([], 0.25)]  # or it would ask again at once, and again


def test_nothing_more_begins_while_too_much_waits_for_the_writer(desk, hands):
    desk.arrange("w", [job(0), job(1), job(2)])
    desk.tick()
    desk.ship(parcel(0, 1, end="over", **{"last.pt": b"x" * 101}))
    hands.over.append(("task 0", ""))
    desk.tick()
    assert begun(desk, hands) == [(0, 1), (1, 1)]
    assert desk.status()["full"]
    batch = desk.take("w", 0)["batch"]
    desk.take("w", batch)
    desk.tick()
    assert begun(desk, hands)[2:] == [(2, 1)]


def test_what_only_the_lab_holds_is_asked_of_the_lab(desk, hands):
    desk.arrange("w", [job(0), job(1)])
    desk.tick()
    for fold in (0, 1):
        desk.ship(parcel(fold, 1, **{"last.pt": b"x" * 60}))
    desk.take("w", desk.take("w", 0)["batch"])  # both are on the lab's disk
    desk.tick()  # 120 bytes are more than the desk is to hold
    hands.over += [("task 0", "killed"), ("task 1", "killed")]
    desk.tick()
    news = {each.fold: each.end for each in taken(desk, desk.batch)}
    assert news == {0: "lost", 1: ""}
    assert begun(desk, hands)[2:] == [(1, 2)]
    desk.arrange("w", [job(0, attempt=2)])
    desk.tick()
    assert begun(desk, hands)[3:] == [(0, 2)]


def test_an_attempt_never_has_a_number_that_was_used(desk, hands):
    desk.arrange("w", [job(0, attempt=5)])
    desk.tick()
    desk.cancel("w", ("r", 0))
    desk.arrange("w", [job(0, attempt=2)])
    desk.tick()
    assert begun(desk, hands) == [(0, 5), (0, 6)]


def test_a_cancelled_fold_is_stopped_and_leaves_nothing(desk, hands):
    desk.arrange("w", [job(0)])
    desk.tick()
    desk.ship(parcel(0, 1, **{"last.pt": b"x"}))
    assert desk.cancel("w", ("r", 0))
    assert hands.stopped == ["task 0"]
    assert desk.ship(parcel(0, 1, epoch=2)) is False
    assert taken(desk) == []


def test_an_older_writer_is_refused(desk, hands):
    desk.hello("newer")
    assert desk.take("w", 0) is None
    assert desk.arrange("w", [job(0)]) is None
    assert desk.cancel("w", ("r", 0)) is False
    assert desk.keep("w", "blob", 0, 1, b"") is False
    assert desk.missing("w", ["blob"]) is None


def test_a_node_that_cannot_train_is_out_of_use_and_the_job_goes_elsewhere(desk, hands):
    desk.runs = " --runs /elsewhere"
    desk.arrange("w", [job(0)])
    desk.tick()
    desk.unfit(("r", 0), 1, "n0", "lacks torch")
    desk.tick()
    assert hands.started[1][3].id == "n1"
    status = desk.status()
    assert [row["why"] for row in status["nodes"]] == [
        "node 0 lacks torch, then: python -m core engine --put-back 'node 0' --runs /elsewhere",
        "",
    ]
    assert status["places"] == 1
    assert desk.running["r", 0].losses == 0


def test_where_no_node_can_train_the_job_waits_and_is_begun_once_a_node(desk, hands):
    """It never spins: each node is asked once, and again when it was put back."""
    desk.arrange("w", [job(0)])
    for attempt, node in enumerate(("n0", "n1"), 1):
        desk.tick()
        desk.unfit(("r", 0), attempt, node, "lacks torch")
    for _ in range(5):
        desk.tick()
    assert len(hands.started) == 2
    assert desk.status()["places"] == 0
    desk.use("w", "n1", "")
    desk.tick()
    assert begun(desk, hands)[2:] == [(0, 3)]
    assert desk.running["r", 0].losses == 0


def test_what_cannot_be_begun_waits_and_the_desk_says_why(desk, hands, monkeypatch):
    desk.arrange("w", [job(0)])
    with monkeypatch.context() as broken:
        broken.setattr(hands, "start", lambda *_: 1 / 0)
        desk.look_after()
        desk.look_after()
    assert (
        desk.status().items() >= {"waiting": 1, "training": 0, "fault": "ZeroDivisionError: division by zero"}.items()
    )
    desk.look_after()
    assert begun(desk, hands) == [(0, 1)]
    assert desk.status()["fault"] == ""


def test_machines_of_one_name_are_told_apart_where_a_fold_trains(hands, clock):
    hands.rows = [Node("a1", "host a1", 1), Node("b2", "host b2", 1)]
    desk = hands.desk = Desk(hands, clock=clock)
    desk.hello("w")
    desk.arrange("w", [job(0)])
    desk.tick()
    desk.begun(("r", 0), 1, {"id": "b2", "name": "host"})
    assert [each.node["name"] for each in taken(desk)] == ["host b2"]


def test_a_node_taken_out_of_use_begins_nothing_and_goes_on_with_what_it_has(desk, hands):
    desk.arrange("w", [job(0), job(1), job(2)])
    desk.tick()
    desk.use("w", "n1", "taken out by hand")
    desk.ship(parcel(0, 1, end="over"))
    hands.over.append(("task 0", ""))
    desk.tick()
    assert len(desk.running) == 1
    desk.use("w", "n1", "")
    desk.tick()
    assert len(desk.running) == 2


def test_a_desk_says_whose_it_is_what_it_holds_and_when_it_was_asked(hands, clock):
    desk = Desk(hands, lab="kim@box:/runs", clock=clock)
    desk.hello("w")
    desk.arrange("w", [job(fold) for fold in range(3)])
    desk.tick()
    desk.begun(("r", 0), 1, {"id": "n0"})
    clock.now = 90
    facts = {"lab": "kim@box:/runs", "asked": 90, "training": 2, "waiting": 1, "uncollected": 1}
    assert desk.status().items() >= facts.items()
    desk.take("w", desk.take("w", 0)["batch"])
    assert desk.status().items() >= {"asked": 0, "uncollected": 0}.items()
    assert desk.take("older", 0) is None
    clock.now = 95
    assert desk.status()["asked"] == 5  # a writer that was succeeded is not asked for


def test_a_desk_says_of_which_run_of_an_id_it_has_something(desk, hands):
    desk.arrange("w", [job(fold, created=5.0 + fold) for fold in range(3)] + [job(3)])
    desk.tick()
    desk.ship(parcel(0, 1, end="over"))
    assert desk.hello("w")["created"] == {("r", fold): 5.0 + fold for fold in range(3)}
    desk.take("w", desk.take("w", 0)["batch"])
    assert desk.hello("w")["created"] == {("r", fold): 5.0 + fold for fold in (1, 2)}


def test_a_job_without_its_blobs_is_not_taken(desk, hands):
    incomplete = FoldJob("r", 0, 1, {"r/config.yaml": "abc"})
    assert desk.missing("w", incomplete.blobs) == ["abc"]
    desk.keep("w", "abc", 0, 2, b"a")
    assert desk.arrange("w", [incomplete], ["abc"]) == [incomplete.key]
    assert not desk.waiting
    desk.keep("w", "abc", 1, 2, b"b")
    assert desk.arrange("w", [incomplete]) == []
    desk.tick()
    assert hands.started[0][2] == {"abc": [b"a", b"b"]}
    desk.ship(parcel(0, 1, end="over"))
    desk.arrange("w", [])
    assert not desk.blobs  # nobody needs it any more


def test_ten_thousand_jobs_wait_and_each_begins_once(hands, clock):
    desk = Desk(hands, clock=clock)
    desk.hello("w")
    jobs = [FoldJob(f"run-{index // 5}", index % 5, 1, {}) for index in range(10_000)]
    desk.arrange("w", jobs)
    for place in range(len(jobs)):
        if place % 2 == 0:
            desk.tick()
            desk.take("w", desk.batch)
        task, begun_job, _, _ = hands.started[place]
        assert begun_job == jobs[place]
        desk.ship(Parcel(*begun_job.key, 1, state={"epoch": 1}, end="over"))
        hands.over.append((task, ""))
    assert len(hands.started) == 10_000
    assert not desk.waiting
