// Stands in for dtbench-engine where only the scheduler matters: a cell waits for SCALE_CELL_S
// seconds, or where SCALE_GATED is set until there is a file "go" in its run directory. Then its
// record says that it was trained. Costs no processor time to speak of.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char* after(int count, char** arguments, const char* flag) {
  for (int i = 1; i + 1 < count; ++i)
    if (strcmp(arguments[i], flag) == 0) return arguments[i + 1];
  exit(4);
}

static const char* name_of(const char* path) {
  return strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
}

static void wait_for(double seconds) {
  const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
  nanosleep(&time, NULL);
}

static FILE* created(const char* run, const char* name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", run, name);
  FILE* file = fopen(path, "w");
  if (file == NULL) exit(4);
  return file;
}

int main(int count, char** arguments) {
  const char* run = after(count, arguments, "--run-dir");
  const char* store = after(count, arguments, "--store");
  const char* seconds = getenv("SCALE_CELL_S");
  fclose(created(run, "events.jsonl"));
  FILE* steps = created(run, "steps.jsonl");
  fprintf(steps, "{\"step\": 0, \"loss\": 7.0, \"step_ms\": 25.0, \"samples\": 8}\n");
  fclose(steps);
  wait_for(seconds == NULL ? 0 : atof(seconds));
  char gate[4096];
  snprintf(gate, sizeof gate, "%s/go", run);
  while (getenv("SCALE_GATED") != NULL && access(gate, F_OK) != 0)
    wait_for(0.01);

  FILE* audit = created(run, "audit.json");
  fprintf(audit, "{\"schema_version\": 1, \"cell_id\": \"%s\", \"identity\": {\"torch\": \"none\"}}", name_of(run));
  fclose(audit);
  FILE* result = created(run, "result.json");
  fprintf(result,
          "{\"schema_version\": 1, \"cell_id\": \"%s\", \"scenario\": \"A\", \"policy\": \"fp32_true\", "
          "\"status\": \"completed\", \"reason\": \"\", \"outcome\": \"trained\", \"steps_completed\": 1, "
          "\"first_nonfinite\": null, \"started_at\": \"2026-01-01T00:00:00.000Z\", \"wall_s\": 1.0, "
          "\"convergence\": {\"val_loss\": 7.0, \"f1_micro\": null, \"average_precision_micro\": null}, "
          "\"data\": {\"fingerprint\": \"%s\", \"synthetic\": true}}",
          name_of(run), name_of(store));
  return fclose(result) == 0 ? 0 : 4;
}
