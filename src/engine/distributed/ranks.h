// The processes ("ranks") of one cell: how they meet, and how they exchange what each knows. All of
// them call the same functions in the same order.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <string>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <torch/csrc/distributed/c10d/Work.hpp>
#include <vector>

#include "base/error.h"
#include "base/torchrun.h"
#include "record/status.h"

namespace dtbench {

// How a rank ended that could still say so.
struct LastWords {
  Status status;
  ExitCode code;
  std::string reason;
};

// Another rank is gone, and with it the cell: its last words, or "failed" and retryable.
class LostRank : public Error {
 public:
  LostRank(Status status, ExitCode code, const std::string& message)
      : Error(code, message), status_(status) {}
  Status status() const { return status_; }

 private:
  Status status_;
};

class Ranks {
 public:
  // Waits for the others. Throws Error (retryable) when they do not come.
  explicit Ranks(const TorchrunRank& launched);
  // Ranks that meet at any store of torch's: tests have them in one process.
  Ranks(c10::intrusive_ptr<c10d::Store> store, int rank, int size);
  // Tells the others that this one needs them no more.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  int local_rank() const { return local_rank_; }

  // From here on tensors on `device` can be exchanged, too.
  void use(const c10::Device& device);

  // These throw LostRank when another rank ends, and when one is silent for ten minutes.
  bool any(bool mine);                                       // whether any rank says so
  std::vector<std::string> gather(const std::string& mine);  // everybody's, in the ranks' order
  std::string from_first(const std::string& text);           // rank 0's
  void copy_from_first(const at::Tensor& tensor);            // rank 0's values for everybody
  // `all` becomes everybody's `mine`, one after another; both flat, of one datatype.
  void gather_into(const at::Tensor& all, const at::Tensor& mine);
  // `sent`, flat, in as many equal parts as there are ranks: part r goes to rank r. `received` is
  // what they sent to this one, in their order, after wait().
  using Exchange = c10::intrusive_ptr<c10d::Work>;
  Exchange exchange_parts(const at::Tensor& received, const at::Tensor& sent);
  void wait(const Exchange& exchange);

  // Before this rank ends while others still count on it: their LostRank says so.
  void tell(const LastWords& words) noexcept;

 private:
  c10d::Backend& backend(const at::Tensor& tensor);
  template <typename Operation>
  auto or_lost(const Operation& operation);
  [[noreturn]] void lost(const std::string& what);

  c10::intrusive_ptr<c10d::Store> store_;
  int rank_, size_, local_rank_ = 0;
  bool keeps_store_ = false;
  c10::intrusive_ptr<c10d::Backend> host_, device_;
};

}  // namespace dtbench
