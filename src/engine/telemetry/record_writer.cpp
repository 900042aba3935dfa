#include "engine/telemetry/record_writer.h"

#include "engine/train/training_state.h"

namespace dtbench {

void RecordWriter::on_step(const StepEvent& event) {
  const UpdateCounts& updates = event.updates;
  directory_.append_step(
      {{"step", event.step},
       {"loss", json_number(event.loss)},
       {"grad_norm", json_number(event.grad_norm)},
       {"lr", event.learning_rate},
       {"loss_scale", event.loss_scale ? Json(*event.loss_scale) : Json()},
       {"skipped", event.skipped},
       {"updated_elements", updates.elements},
       {"lost_weight_updates", updates.lost_weight_updates},
       {"lost_v_updates", updates.lost_v_updates},
       {"eight_bit_elements", updates.eight_bit_elements},
       {"zero_point_hits", updates.zero_point_hits},
       {"step_ms", event.seconds * 1e3},
       {"data_ms", event.data_seconds * 1e3},
       {"device_ms", event.device_seconds ? Json(*event.device_seconds * 1e3) : Json()},
       {"warmup", event.warmup},
       {"samples", event.samples},
       {"tokens", event.tokens},
       {"real_tokens", event.real_tokens},
       {"flops_needed", event.flops_needed},
       {"flops_palm", event.flops_palm},
       {"conditions", conditions_.at_end_of(event.step)}});
}

void RecordWriter::on_evaluation(std::int64_t step, const Evaluation& evaluation, double seconds) {
  Json line = to_json(evaluation);
  line["event"] = "evaluation";
  line["step"] = step;
  line["seconds"] = seconds;
  if (evaluation.point_loss) line["point_loss"] = json_number(*evaluation.point_loss);
  directory_.append_event(line);
}

void RecordWriter::on_validation_point(std::int64_t step, double loss, double seconds) {
  directory_.append_event({{"event", "validation_point"},
                           {"step", step},
                           {"seconds", seconds},
                           {"point_loss", json_number(loss)}});
}

void RecordWriter::on_nonfinite(const NonFiniteEvent& event) {
  Json line = to_json(event);
  line["event"] = "nonfinite";
  directory_.append_event(line);
}

}  // namespace dtbench
