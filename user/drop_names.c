// SPDX-License-Identifier: GPL-2.0
/* Names of drops, see drop_names.h */
#include "drop_names.h"

#include <stdio.h>

#include "text.h"

const char *drop_reason_name(const json_t *drops, __u32 reason, char buf[DROP_NAME_LEN])
{
	const json_t *names = json_object_get(drops, "reasons");
	const char *name;

	snprintf(buf, DROP_NAME_LEN, "%u", reason);
	name = json_string_value(json_object_get(names, buf));
	return text_clean(buf, DROP_NAME_LEN, name ? name : "");
}

static const char *place_field(const json_t *drops, __s32 place, const char *field)
{
	const json_t *places = json_object_get(drops, "places");
	char key[16];

	snprintf(key, sizeof(key), "%d", place);
	return json_string_value(json_object_get(json_object_get(places, key), field));
}

const char *drop_place_name(const json_t *drops, __s32 place, char buf[DROP_NAME_LEN])
{
	const char *symbol = place_field(drops, place, "symbol");

	if (symbol)
		return text_clean(buf, DROP_NAME_LEN, symbol);
	snprintf(buf, DROP_NAME_LEN, "_stext%c0x%x", place < 0 ? '-' : '+',
		 place < 0 ? 0U - place : 0U + place);
	return buf;
}

const char *drop_place_source(const json_t *drops, __s32 place, char buf[DROP_NAME_LEN])
{
	const char *source = place_field(drops, place, "source");

	return text_clean(buf, DROP_NAME_LEN, source ? source : "");
}
