/** The diagnostics of this folder, by code: what `peftc explain D0xx` prints. */
import type { Catalogue } from "../../grammar/index.js";

export const datasetCatalogue: Catalogue = {
  D001: {
    title: "not a dataset",
    page: `A dataset is a table of tensors (.safetensors), records (.jsonl, .csv, .tsv) or a text (.txt), known by the end of
the name; or a folder in which each such file is a split of the same name.

Wrong:  dataset("data/train.parquet")
Right:  dataset("data/train.jsonl")        // in Python: datasets.load_dataset(…).to_json("data/train.jsonl")
Right:  dataset("data")                    // data/train.jsonl and data/test.jsonl: .train and .test`,
  },
  D002: {
    title: "a dataset without rows",
    page: `The file has no row, or its tensors have a first axis of length 0. Nothing can be drawn from it, and an accuracy over
nothing is no number.

Wrong:  a CSV file with nothing below the names
Right:  at least one row; a split that is meant to be empty is left out`,
  },
  D003: {
    title: "columns do not match",
    page: `The first axis of every column counts the same rows. Tensors of different splits have names with the split before the
first dot; a single number (rank 0) is no column. A column also cannot be made under a name that the file uses.

Wrong:  images U8 [2000, 28, 28], labels U8 [500]
Right:  train.images [2000, 28, 28], train.labels [2000], test.images [500, 28, 28], test.labels [500]`,
  },
  D004: {
    title: "a line is no JSON object",
    page: `A .jsonl file has one JSON object in each line, with the same fields in all lines; a field may not stand in an object
twice. The message gives the line and the column where reading stopped.

Wrong:  {'text': 'to be', 'label': 0}
Right:  {"text": "to be", "label": 0}
Right:  jq -c '.[]' data.json > data.jsonl      // from one list to one object a line`,
  },
  D005: {
    title: "malformed CSV",
    page: `The first line names the columns, each with a name of its own; all rows have as many cells. A cell with a separator, a
quote or a line end stands in double quotes, and a quote inside it is written twice (RFC 4180).

Wrong:  text,label
        to be, or not to be,0
Right:  text,label
        "to be, or not to be",0`,
  },
  D006: {
    title: "a row does not look like the first",
    page: `The first row says which fields there are and what each holds: a text, a number, or a list of numbers of one shape. The
others must agree, since a column is one tensor.

Wrong:  {"input_ids": [5, 6, 7]}
        {"input_ids": [8, 9]}
Right:  give texts and a tokenizer, which fills rows up and makes the mask; or fill the lists up yourself`,
  },
  D007: {
    title: "texts and tokenizer do not go together",
    page: `A text becomes numbers only by a tokenizer, and a table of tensors has no text for one.

Wrong:  tokens("corpus.txt", length = 128)
Right:  tokens("corpus.txt", tokenizer = "models/base", length = 128)`,
  },
  D008: {
    title: "unknown field",
    page: `A field that was named (text, pair, prompt, label) is not in the file. Names are compared letter by letter.

Wrong:  dataset("train.jsonl", tokenizer = "models/base", text = "sentance")
Right:  dataset("train.jsonl", tokenizer = "models/base", text = "sentence")`,
  },
  D009: {
    title: "label out of range",
    page: `Labels are whole numbers from 0 to the number of classes less one; -100 marks places that a loss passes over. A larger
one would name a row that the head does not have. Labels that count from 1, or a head of another task, are the usual
causes.

Wrong:  labels 1 … 10 for a head with 10 classes
Right:  labels 0 … 9`,
  },
  D010: {
    title: "tokenizer and model do not fit",
    page: `The tokenizer gives ids for which the model's embedding has no row: it belongs to another model, or tokens were added to
it and the embedding was not lengthened.

Wrong:  tokens("corpus.txt", tokenizer = "models/other", length = 128) for a model of 65 tokens
Right:  tokens("corpus.txt", tokenizer = "models/base", length = 128)`,
  },
  D011: {
    title: "token id out of range",
    page: `A column of token ids holds a number for which the model's embedding has no row, or no whole numbers at all. The ids were
made with another tokenizer.

Wrong:  ids up to 50256 for a model of 65 tokens
Right:  ids made with the tokenizer.json of the model`,
  },
  D012: {
    title: "unusable tokenizer",
    page: `The file is no tokenizer.json, or its model is of a kind that peftc does not know: BPE, WordPiece and Unigram are known. Older
models come with vocab.txt or a .model file only; transformers writes tokenizer.json from them:

  AutoTokenizer.from_pretrained("models/old").save_pretrained("models/old")

Wrong:  dataset("train.jsonl", tokenizer = "models/base/vocab.txt")
Right:  dataset("train.jsonl", tokenizer = "models/base")`,
  },
  D013: {
    title: "text not in UTF-8",
    page: `Texts, records and tokenizers are read as UTF-8. A file in another encoding would give other tokens than its author saw.

Wrong:  a corpus in Latin-1
Right:  iconv -f latin1 -t utf-8 corpus.txt > corpus-utf8.txt`,
  },
  D014: {
    title: "impossible length of rows",
    page: `Rows of tokens have a length from 1 on; a text is cut into windows of that length, one beginning every stride tokens, and
has to fill at least one. All windows are kept in memory, at most 1 GiB.

Wrong:  tokens("note.txt", tokenizer = "models/base", length = 4096)     // of a text with 300 tokens
Right:  tokens("note.txt", tokenizer = "models/base", length = 128, stride = 64)`,
  },
  D015: {
    title: "dataset cut while in use",
    page: `The file of a dataset became shorter after its header was read: it is being written again or was replaced.

Wrong:  writing data/digits.safetensors while a run reads it
Right:  starting the run when the file is complete`,
  },
  D016: {
    title: "texts are cut",
    page: `Some texts have more tokens than a row: what is behind is not seen, and with it perhaps the answer. The warning says how
many texts that are and how long the longest is.

Wrong:  length = 64 where half of the texts have more tokens
Right:  a length that holds nearly all, or none: then rows are as long as the longest text`,
  },
  D017: {
    title: "characters unknown to the tokenizer",
    page: `The text has characters or words for which the tokenizer has no token. They vanish or become the unknown token, so that
the model sees another text than the file holds.

Wrong:  a tokenizer of 65 English characters for a text with "é"
Right:  the tokenizer that the text was made for, or a text without such characters`,
  },
  D018: {
    title: "text too long for the tokenizer",
    page: `Some tokenizers (of the Unigram kind above all) do not cut a text into words first, and take it in one piece. About a
hundred thousand tokens are the limit.

Wrong:  tokens("book.txt", tokenizer = "models/t5", length = 128)        // a book in one text
Right:  dataset("book.jsonl", tokenizer = "models/t5", length = 128)     // a paragraph a line`,
  },
};
