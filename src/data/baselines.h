// Validation losses of constant answers, in nats: what a model that ignores its input would get.
// Probabilities are training frequencies with half an observation added to each outcome (Krichevsky
// and Trofimov 1981), so that no validation loss is infinite. V outcomes, training counts n_i of
// sum N, validation counts m_i of sum M:
#pragma once

#include <cstdint>
#include <span>

namespace dtbench {

using Counts = std::span<const std::int64_t>;

// -1/M sum_i m_i ln((n_i + 1/2) / (N + V/2)). Of tokens: the unigram loss; of single-label targets:
// the training-prior loss.
double prior_cross_entropy(Counts training, Counts validation);

// The share m_k / M of the outcome k most frequent in training (the first of equals).
double majority_accuracy(Counts training, Counts validation);

// Mean binary cross-entropy over N_val documents x V labels with p_i = (n_i + 1/2) / (N + 1), where
// N counts documents: -1/(N_val V) sum_i [m_i ln p_i + (N_val - m_i) ln(1 - p_i)].
double multi_label_prior_loss(Counts training, std::int64_t training_documents, Counts validation,
                              std::int64_t validation_documents);

}  // namespace dtbench
