"""The functions that Spark SQL of users may call: what `spark.gate` goes by.

A list, as that of DuckDB's (`user_sql.functions`): what a later version brings is refused until somebody has looked
at it.
On it is what computes from its arguments alone, and the time of today. Deliberately absent:

- whatever runs code, or reads files, classes, settings, the catalog, the session or the cluster: ``reflect``,
  ``java_method``, ``input_file_*``, ``*_avro``, ``*_protobuf``, ``current_catalog``, ``version``; XML and XPath, whose
  parsers know more than they are asked for;
- chance, and what depends on how rows are parted: ``rand``, ``uuid``, ``shuffle``, ``monotonically_increasing_id``;
- what makes much out of little: ``repeat``, ``sequence``, ``lpad``, ``format_string``, ``aggregate``, ``transform``.
  Nothing but the memory of an executor, which is everybody's, would bound it. So are aggregates that hold all rows,
  or all values, at once: ``collect_list``, ``string_agg``, ``percentile``, ``median``, ``mode``
  (``approx_percentile`` does not);
- ``raise_error`` and ``assert_true``; sketches and other internals.
"""

from __future__ import annotations


def listed(words: str) -> frozenset[str]:
    """The words."""
    return frozenset(words.split())


FUNCTIONS = listed(
    """
    ! % & * + - / < << <= <=> = == > >= >> >>> ^ | ~
    abs acos acosh add_months and any any_value approx_count_distinct approx_percentile array
    array_append array_compact array_contains array_distinct array_except array_intersect
    array_join array_max array_min array_position array_prepend array_remove array_size array_sort
    array_union arrays_overlap arrays_zip ascii asin asinh atan atan2 atanh avg base64 between bigint bin
    binary bit_and bit_count bit_get bit_length bit_or bit_xor bool_and bool_or boolean bround btrim
    cardinality cast cbrt ceil ceiling char char_length character_length chr coalesce concat concat_ws
    contains conv convert_timezone corr cos cosh cot count count_if covar_pop covar_samp crc32 csc cume_dist
    curdate current_date current_time current_timestamp date date_add date_diff date_format
    date_from_unix_date date_part date_sub date_trunc dateadd datediff datepart day dayname dayofmonth
    dayofweek dayofyear decimal decode degrees dense_rank div double e element_at elt encode endswith
    equal_null every exists exp explode explode_outer expm1 extract factorial filter find_in_set first
    first_value flatten float floor forall from_csv from_json from_unixtime from_utc_timestamp
    get get_json_object getbit greatest hash hex hour hypot if ifnull ilike in initcap inline inline_outer
    instr int is_valid_utf8 is_variant_null isnan isnotnull isnull json_array_length json_object_keys
    kurtosis lag last last_day last_value lcase lead least left len length levenshtein like ln
    localtimestamp locate log log10 log1p log2 lower ltrim luhn_check make_date make_dt_interval
    make_interval make_time make_timestamp make_timestamp_ltz make_timestamp_ntz make_valid_utf8
    make_ym_interval map map_concat map_contains_key map_entries map_filter map_from_arrays
    map_from_entries map_keys map_values mask max max_by md5 mean min min_by minute mod
    month monthname months_between named_struct nanvl negative next_day not now nth_value ntile nullif
    nullifzero nvl nvl2 octet_length or overlay parse_json parse_url percent_rank
    percentile_approx pi pmod posexplode posexplode_outer position positive
    pow power quarter quote radians rank regexp regexp_count regexp_extract regexp_extract_all
    regexp_instr regexp_like regexp_replace regexp_substr regr_avgx regr_avgy regr_count regr_intercept
    regr_r2 regr_slope regr_sxx regr_sxy regr_syy replace reverse right rint rlike round row_number rtrim
    sec second sha sha1 sha2 shiftleft shiftright shiftrightunsigned sign signum sin sinh size skewness
    slice smallint some sort_array soundex split split_part sqrt startswith std stddev stddev_pop
    stddev_samp str_to_map string struct substr substring substring_index sum tan tanh time time_diff
    time_trunc timestamp timestamp_micros timestamp_millis timestamp_seconds tinyint to_binary to_char
    to_csv to_date to_json to_number to_time to_timestamp to_timestamp_ltz to_timestamp_ntz
    to_unix_timestamp to_utc_timestamp to_varchar to_variant_object
    translate trim trunc try_add try_avg try_divide try_element_at try_make_interval
    try_make_timestamp try_make_timestamp_ltz try_make_timestamp_ntz try_mod try_multiply try_parse_json
    try_parse_url try_subtract try_sum try_to_binary try_to_date try_to_number try_to_time try_to_timestamp
    try_url_decode try_validate_utf8 try_variant_get typeof ucase unbase64 unhex unix_date unix_micros
    unix_millis unix_seconds unix_timestamp upper url_decode url_encode validate_utf8 var_pop var_samp
    variance variant_get weekday weekofyear when width_bucket xxhash64 year zeroifnull
    """
)

TABLE_FUNCTIONS = frozenset(
    {"explode", "explode_outer", "inline", "inline_outer", "posexplode", "posexplode_outer", "range"}
)

# How exact an approximation is, is how much it keeps: by the place of that argument, the most it may be.
EXACTNESS = {"approx_percentile": (2, 10_000), "percentile_approx": (2, 10_000)}
# How often the longest of its arguments a value may be, for what makes longer values of shorter ones; None: as often as
# it has arguments that are no literals.
GROWTH: dict[str, int | None] = {
    **dict.fromkeys(
        listed(
            """
            array array_append array_prepend array_union arrays_zip concat concat_ws map map_concat map_from_arrays
            named_struct overlay struct ||
            """
        )
    ),
    "base64": 2, "encode": 4, "hex": 2, "quote": 2, "regexp_extract_all": 2, "split": 2, "to_csv": 4, "to_json": 6,
    "url_encode": 9,
}  # fmt: skip
# How often an argument stands in what Spark replaces the function by; and `decode`, once for each pair.
WRITTEN = {"get": 2, "nullif": 2, "nullifzero": 2, "regexp_substr": 2, "right": 2}
# Where what is put in, or between, is put in often: it has to be a literal. By the place of that argument.
INSERTED = {"array_join": 1, "concat_ws": 0, "regexp_replace": 2, "replace": 2}
# A number of digits takes as much memory and time as it is large: it has to be a literal, and small.
DIGITS = frozenset({"bround", "ceil", "ceiling", "floor", "round"})
DIGITS_MAX = 38
