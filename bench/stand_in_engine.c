// Stands in for dtbench-engine where only the number of records matters (bench/many_records.py):
// copies the record of a cell that was trained, as that of the run directory's cell.
//
//   STAND_IN_RECORDS  a folder with the record of a cell of each policy, of seed STAND_IN_SEED,
//                     whose digits stand nowhere else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char* what, const char* where) {
  fprintf(stderr, "error: stand-in: %s '%s'\n", what, where);
  exit(4);
}

static char* content(const char* folder, const char* name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE* file = fopen(path, "rb");
  if (file == NULL) fail("cannot read", path);
  fseek(file, 0, SEEK_END);
  const long size = ftell(file);
  rewind(file);
  char* text = malloc((size_t)size + 1);
  if (text == NULL || fread(text, 1, (size_t)size, file) != (size_t)size) fail("cannot read", path);
  text[size] = '\0';
  fclose(file);
  return text;
}

// The text behind `key`, up to one of `ends`.
static void member(const char* json, const char* key, const char* ends, char* value, size_t most) {
  const char* place = strstr(json, key);
  if (place == NULL) fail("no member", key);
  place += strlen(key);
  snprintf(value, most, "%.*s", (int)strcspn(place, ends), place);
}

static void put(FILE* file, const char* text, const char* const words[2], const char* const by[2]) {
  while (*text != '\0') {
    int at = -1;
    for (int i = 0; i < 2; ++i)
      if (strncmp(text, words[i], strlen(words[i])) == 0) at = i;
    if (at < 0) {
      fputc(*text++, file);
    } else {
      fputs(by[at], file);
      text += strlen(words[at]);
    }
  }
}

int main(int count, char** arguments) {
  const char* run = NULL;
  for (int i = 1; i + 1 < count; ++i)
    if (strcmp(arguments[i], "--run-dir") == 0) run = arguments[i + 1];
  const char* seed = getenv("STAND_IN_SEED");
  const char* records = getenv("STAND_IN_RECORDS");
  if (run == NULL || seed == NULL || records == NULL) fail("expected", "--run-dir and the environment");

  char policy[64], new_seed[32], folder[4096], old_id[64];
  const char* spec = content(run, "spec.json");
  member(spec, "\"seed\": ", ",\n", new_seed, sizeof new_seed);
  member(strstr(spec, "\"policy\": {"), "\"name\": \"", "\"", policy, sizeof policy);
  snprintf(folder, sizeof folder, "%s/%s", records, policy);
  const char* name = strrchr(run, '/');
  member(content(folder, "result.json"), "\"cell_id\": \"", "\"", old_id, sizeof old_id);
  const char* const words[2] = {seed, old_id};
  const char* const by[2] = {new_seed, name == NULL ? run : name + 1};

  static const char* const files[] = {"audit.json", "steps.jsonl", "events.jsonl", "result.json"};
  for (int i = 0; i < 4; ++i) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", run, files[i]);
    FILE* file = fopen(path, "wb");
    if (file == NULL) fail("cannot write", path);
    put(file, content(folder, files[i]), words, by);
    if (fclose(file) != 0) fail("cannot write", path);
  }
  return 0;
}
