#include "engine/distributed/rank_reducer.h"

#include <ATen/ATen.h>

#include <utility>

#include "base/json.h"

namespace dtbench {

RankReducer::RankReducer(Ranks& ranks, std::int64_t bucket_bytes)
    : ranks_(ranks), bucket_bytes_(bucket_bytes) {}

Share RankReducer::share() const {
  return {ranks_.rank(), ranks_.size()};
}

void RankReducer::reduce(std::size_t /*index*/, const at::Tensor& gradient) {
  filling_.gradients.push_back(gradient);
  filling_.elements += gradient.numel();
  if (filling_.elements * gradient.element_size() >= bucket_bytes_) send_filled();
}

void RankReducer::send_filled() {
  Bucket bucket = std::exchange(filling_, {});
  const std::int64_t ranks = ranks_.size();
  const at::TensorOptions options = bucket.gradients.front().options();
  bucket.sent = at::zeros({(bucket.elements + ranks - 1) / ranks * ranks}, options);
  bucket.received = at::empty_like(bucket.sent);
  std::int64_t place = 0;
  for (const at::Tensor& gradient : bucket.gradients) {
    bucket.sent.narrow(0, place, gradient.numel()).copy_(gradient.reshape({-1}));
    place += gradient.numel();
  }
  bucket.exchange = ranks_.exchange_parts(bucket.received, bucket.sent);
  if (under_way_) complete(*std::exchange(under_way_, std::nullopt));
  under_way_ = std::move(bucket);
}

void RankReducer::complete(const Bucket& bucket) {
  ranks_.wait(bucket.exchange);
  const at::Tensor parts = bucket.received.view({ranks_.size(), -1});
  at::Tensor sum = parts[0];
  for (std::int64_t rank = 1; rank < ranks_.size(); ++rank)
    sum.add_(parts[rank]);
  ranks_.gather_into(bucket.sent, sum);
  std::int64_t place = 0;
  for (const at::Tensor& gradient : bucket.gradients) {
    gradient.copy_(bucket.sent.narrow(0, place, gradient.numel()).view(gradient.sizes()));
    place += gradient.numel();
  }
}

void RankReducer::finish(const at::Tensor& losses) {
  if (!filling_.gradients.empty()) send_filled();
  if (under_way_) complete(*std::exchange(under_way_, std::nullopt));
  const std::int64_t mine = losses.numel() / ranks_.size();
  ranks_.gather_into(losses, losses.narrow(0, ranks_.rank() * mine, mine).clone());
}

std::optional<NonFiniteOrigin::Place> RankReducer::first_found(
    const std::optional<NonFiniteOrigin::Place>& mine) {
  Json json;
  if (mine)
    json = {{"phase", to_string(mine->phase)},
            {"operation", mine->operation},
            {"module", mine->module},
            {"layer", mine->layer}};
  for (const std::string& text : ranks_.gather(json.dump())) {
    const Json found = parse_json(text);
    if (found.is_null()) continue;
    return NonFiniteOrigin::Place{enum_from<Phase>(found.at("phase").get<std::string>()).value(),
                                  found.at("operation"), found.at("module"), found.at("layer")};
  }
  return std::nullopt;
}

}  // namespace dtbench
