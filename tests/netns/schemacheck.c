// SPDX-License-Identifier: GPL-2.0
/* schemacheck SCHEMA [DOCUMENT]: does the document (stdin) keep to the schema? 0 yes; 1 no: why, on stdout */
#include "../unit/schema.h"

static json_t *load(const char *path)
{
	json_error_t e;
	json_t *doc = path ? json_load_file(path, 0, &e) : json_loadf(stdin, 0, &e);

	if (!doc)
		printf("%s: line %d: %s\n", path ? path : "document", e.line, e.text);
	return doc;
}

int main(int argc, char **argv)
{
	json_t *schema = argc > 1 ? load(argv[1]) : NULL, *doc = schema ? load(argc > 2 ? argv[2] : NULL) : NULL;
	struct schema_check c = { .root = schema };
	bool good = doc && schema_check(&c, schema, doc, "document");

	if (doc && !good)
		printf("%s\n", c.error);
	json_decref(doc);
	json_decref(schema);
	return good ? 0 : 1;
}
