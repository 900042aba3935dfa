"""Writes multi_label_metrics.json: metrics and constant answers as scikit-learn computes them.

    python -m venv VENV && VENV/bin/pip install scikit-learn==1.7.2
    VENV/bin/python tests/engine/golden/multi_label_metrics.py

Logits are whole multiples of 1/16, so that they are exact in fp32 and in the file, and tie.
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.dummy import DummyClassifier
from sklearn.metrics import accuracy_score, average_precision_score, f1_score


def multi_label_metrics(truth, predicted, scores):
    supported = np.flatnonzero(truth.sum(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "no positive class", for which 0 is the answer
        precision = average_precision_score(truth.ravel(), scores.ravel())
    return {
        "f1_micro": f1_score(truth, predicted, average="micro"),
        "f1_macro": f1_score(truth, predicted, average="macro", labels=supported)
                    if supported.size else 0.0,
        "average_precision_micro": precision}


def case(name, truth, logits):
    truth, logits = np.asarray(truth, int), np.asarray(logits, float)
    return {"name": name, "truth": truth.tolist(), "logits": logits.tolist(),
            **multi_label_metrics(truth, (logits > 0).astype(int), logits)}


def metric_cases():
    generator = np.random.default_rng(7)
    frequency = 0.5 / np.arange(1, 13)
    truth = (generator.random((40, 12)) < frequency).astype(int)
    truth[:, [3, 11]] = 0  # labels that no document has
    truth[5] = 0           # a document without labels
    noise = generator.normal(size=truth.shape)

    def multiples(values, step):
        return np.round(values / step) * step

    yield case("fine", truth, multiples(noise + 2 * truth - 1, 1 / 16))
    yield case("ties", truth, multiples(noise + 2 * truth - 1, 1))
    yield case("all tie", truth, np.full(truth.shape, 0.5))
    yield case("zero is not above zero", truth, np.where(truth == 1, 0.0, -0.0))
    yield case("no positive predictions", truth, multiples(noise + truth, 1 / 16) - 100)
    yield case("only positive predictions", truth, multiples(noise, 1 / 16) + 100)
    yield case("perfect", truth, truth * 2.0 - 1)
    yield case("reversed", truth, 1 - truth * 2.0)
    yield case("no truth", 0 * truth, multiples(noise, 1 / 16))
    yield case("nothing at all", 0 * truth, multiples(noise, 1 / 16) - 100)
    yield case("one entry", [[1]], [[-2.0]])


def constant_set(documents, labels, size):
    return np.repeat((np.arange(labels) < size).astype(int)[None], documents, 0)


def multi_label_constant(name, training, validation):
    """The answer that knows training alone: the most frequent labels, as many as F1 micro asks."""
    order = np.argsort(-training.sum(0), kind="stable")
    training, validation = training[:, order], validation[:, order]
    labels = training.shape[1]
    sizes = np.arange(1, labels + 1)
    on_training = [f1_score(training, constant_set(len(training), labels, k), average="micro")
                   for k in sizes]
    size = int(sizes[np.argmax(on_training)])
    scores = np.repeat(training.sum(0)[None].astype(float), len(validation), 0)
    return {"name": name, "training": training.sum(0).tolist(),
            "training_documents": len(training), "validation": validation.sum(0).tolist(),
            "validation_documents": len(validation), "size": size,
            **multi_label_metrics(validation, constant_set(len(validation), labels, size), scores)}


def multi_label_constants():
    generator = np.random.default_rng(11)

    def draw(documents, frequency):
        return (generator.random((documents, len(frequency))) < frequency).astype(int)

    steep, flat = 0.8 / np.arange(1, 16), np.full(15, 0.2)
    yield multi_label_constant("steep", draw(60, steep), draw(25, steep))
    yield multi_label_constant("flat", draw(60, flat), draw(25, flat))
    ties = np.zeros((20, 9), int)
    ties[:10, :4] = 1
    ties[10:, 4:6] = 1
    yield multi_label_constant("tied frequencies, absent labels", ties, draw(25, steep[:9]))
    yield multi_label_constant("no label of validation is in training", np.eye(6, dtype=int)[:3],
                               np.eye(6, dtype=int)[3:])


def single_label_constant(name, training, validation, labels):
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((len(training), 1)), training)
    predicted = dummy.predict(np.zeros((len(validation), 1)))
    return {"name": name, "training": np.bincount(training, minlength=labels).tolist(),
            "validation": np.bincount(validation, minlength=labels).tolist(),
            "accuracy": accuracy_score(validation, predicted),
            "f1_micro": f1_score(validation, predicted, average="micro"),
            "f1_macro": f1_score(validation, predicted, average="macro",
                                 labels=np.unique(validation), zero_division=0)}


def single_label_constants():
    generator = np.random.default_rng(13)
    frequency = np.array([0.5, 0.3, 0.15, 0.05, 0])
    yield single_label_constant("usual", generator.choice(5, 80, p=frequency),
                                generator.choice(5, 30, p=frequency), 5)
    yield single_label_constant("majority absent from validation", np.array([0, 0, 1]),
                                np.array([1, 1, 2]), 3)


def main():
    answer = {"versions": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
              "metrics": list(metric_cases()), "multi_label_constants": list(multi_label_constants()),
              "single_label_constants": list(single_label_constants())}
    sections = [f'{json.dumps(key)}: ' + (json.dumps(value) if isinstance(value, dict) else
                "[\n  " + ",\n  ".join(json.dumps(item) for item in value) + "]")
                for key, value in answer.items()]
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text("{" + ",\n ".join(sections) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
