// How a data set writes a document's labels. A vector of zeros and ones, and a list that was saved
// as text, read like ids of labels and would give a data set that nobody meant.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/label_form_name.h"
#include "data/document_source.h"

namespace dtbench {

// Whether a data set's list of labels could have come from another form.
bool labels_in_doubt(const std::vector<std::string>& labels);

// `source` with its labels as ids; an empty text is none. Throws Error (usage) that names the
// place: for labels that look like another form than ids (data/label_vectors.h, or a label being a
// list); and for labels that are not of the form which was set.
std::unique_ptr<DocumentSource> with_label_form(std::unique_ptr<DocumentSource> source,
                                                LabelForm form);

}  // namespace dtbench
