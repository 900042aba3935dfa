// What the Parquet plug-in exports to data/parquet.cpp, which has the contract.
#pragma once

#include <string>

#include "data/byte_source.h"
#include "data/document_source.h"
#include "data/source_fields.h"

// Takes over `bytes`, on failure too; the caller owns the result.
extern "C" __attribute__((visibility("default"))) dtbench::DocumentSource* dtbench_open_parquet(
    const std::string& name, dtbench::ByteSource* bytes, const dtbench::SourceFields& fields);
