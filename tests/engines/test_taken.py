"""What a node sends lands beside what the lab knows of other folds meanwhile."""

from core.engines import taken
from core.engines.parcel import Parcel
from core.runs.create import create
from core.runs.use import used


def entry(mean):
    return {"gpu": {"mean": mean, "peak": mean, "looks": 1}}


def test_what_a_fold_used_on_a_node_does_not_touch_what_others_used(tiny_plan, runs_folder):
    plan = tiny_plan
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=runs_folder)
    used.keep(run, 1, entry(20), goes_on=False)  # since the node was sent the run, which had another record then
    facts = {"device": "NVIDIA T4", used.KEY: {"0": entry(80), "1": entry(5)}}
    for _ in range(2):  # a parcel may come twice
        taken.write(run, Parcel(run.id, 0, 1, facts=facts))
        assert used.of_folds(run.info()) == {0: entry(80), 1: entry(20)}
    taken.write(run, Parcel(run.id, 0, 1, facts={"device": "NVIDIA L4"}))
    assert used.of_folds(run.info())[0] == entry(80) and run.info()["device"] == "NVIDIA L4"
