// Data parallelism: each rank computes the gradients of its share of a step's micro-batches, and
// all of them add up what came of it (contract, "Several processes").
#pragma once

#include <vector>

#include "engine/distributed/ranks.h"
#include "engine/train/reducer.h"

namespace dtbench {

// A gradient's sum is (((g0 + g1) + g2) + ...) in the order of the ranks, in the gradients'
// datatype, each addition rounded: what one process does with micro-batches. Every rank gets the
// same bits. They travel in flat buckets, as gradients become final: part r of a bucket goes to
// rank r, which adds, and the sums come back from all. So what each rank sends does not grow with
// their number, and no backend's order of additions matters.
class RankReducer : public Reducer {
 public:
  static constexpr std::int64_t kBucketBytes = std::int64_t{25} << 20;  // as torch's DDP

  explicit RankReducer(Ranks& ranks, std::int64_t bucket_bytes = kBucketBytes);

  Share share() const override;
  void reduce(std::size_t index, const at::Tensor& gradient) override;
  void finish(const at::Tensor& losses) override;
  std::optional<NonFiniteOrigin::Place> first_found(
      const std::optional<NonFiniteOrigin::Place>& mine) override;

 private:
  struct Bucket {
    std::vector<at::Tensor> gradients;  // the stored ones, which get the sums
    std::int64_t elements = 0;
    at::Tensor sent, received;  // flat; padded to a multiple of the number of ranks
    Ranks::Exchange exchange;
  };
  void send_filled();
  void complete(const Bucket& bucket);

  Ranks& ranks_;
  std::int64_t bucket_bytes_;
  Bucket filling_;
  std::optional<Bucket> under_way_;  // one: its memory is that of a bucket, not of all gradients
};

}  // namespace dtbench
