"""Each name in `grok.columns` is that of a column in the record of a run."""

from grok import columns
from tests.helpers import new_run, run_steps, small_engine


def test_every_column_that_has_a_name_is_in_the_record_of_a_run(tmp_path):
    engine = small_engine()
    ((_, row), *_) = run_steps(engine, new_run(tmp_path), 1)
    named = {value for name, value in vars(columns).items() if name.isupper() and isinstance(value, str)}
    of_phases = {columns.OMEGA, columns.RECOMPUTED, columns.SPARSITY, columns.TWIN}  # which grokking does not have
    assert len(named) == 16
    functions = {
        *(columns.accuracy(split) for split in ("train", "test")),
        *(columns.loss(split) for split in ("train", "test")),
        *(columns.interplay("sample", split, ratio) for split in ("train", "test") for ratio in columns.RATIOS),
        *(columns.interplay("embedding", ratio) for ratio in columns.RATIOS),
        *(columns.theory(pairing, ratio) for pairing in ("prototype", "embedding") for ratio in columns.RATIOS),
        *(columns.collapse(split, "nc4_agreement") for split in ("train", "test")),
        *(columns.logit_scale(split) for split in ("train", "test")),
        *(columns.fourier(vectors, "gini") for vectors in ("embedding", "unembedding", "class_means", "neurons")),
        *(columns.rank(vectors, split) for vectors in ("class_means", "features") for split in ("train", "test")),
        *(columns.rank(vectors) for vectors in ("embedding", "unembedding")),
        *(columns.spectral_entropy(split) for split in ("train", "test")),
    }
    assert (named - of_phases) | functions <= set(row)
