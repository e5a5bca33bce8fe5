"""A contract that fails, warns, waives, masks, measures segments, looks inside, and has what nobody executes."""

from __future__ import annotations

import json

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: shop
version: 2.1.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true}
      - name: email
        description: Whom to write to.
        logicalType: string
        classification: restricted
        logicalTypeOptions: {pattern: "^[^@ ]+@[^@ ]+$"}
      - {name: country, logicalType: string, required: true, enum: [{value: DE}, {value: FR}]}
      - name: amount
        logicalType: number
        logicalTypeOptions: {minimum: 0}
        quality:
          - metric: nullValues
            description: Orders without an amount
            unit: percent
            mustBeLessThan: 50
            dimension: completeness
            severity: low
            customProperties:
              - {vendor: headgate, property: warn, value: {mustBeLessThan: 10}}
      - name: shipped
        logicalType: date
        required: true
        customProperties:
          - {vendor: headgate, property: waiver, value: {reason: sent late, expires: 2126-12-31}}
      - name: lines
        logicalType: array
        items:
          logicalType: object
          properties:
            - {name: price, logicalType: number, logicalTypeOptions: {minimum: 0}}
            - {name: card, logicalType: string, classification: pci, logicalTypeOptions: {maxLength: 4}}
    quality:
      - name: of_each
        description: Orders of each country
        metric: rowCount
        mustBeGreaterThan: 2
        dimension: coverage
        severity: high
        customProperties:
          - {vendor: headgate, property: segmentBy, value: [country]}
      - {name: told, type: text, description: Counted on the evening before.}
      - {name: lineage, type: custom, engine: acme, implementation: "check()"}
slaProperties:
  - {property: endOfSupport, value: "2020-01-01"}
"""

SECRETS = ("not an address", "ann at home", "4111111111111111")  # of the confidential columns
_ROWS = [
    {"id": 1, "email": "ann@example.org", "country": "DE", "amount": 5, "shipped": "2026-11-20", "lines": []},
    {"id": 2, "email": SECRETS[0], "country": "DE", "amount": -5, "shipped": None, "lines": None},
    {"id": 3, "email": None, "country": "DE", "amount": None, "shipped": "2026-11-20", "lines": [{"price": -2}]},
    {"id": 4, "email": SECRETS[1], "country": "FR", "amount": 7, "shipped": "2026-11-20",
     "lines": [{"price": 1, "card": SECRETS[2]}]},
    {"id": 4, "email": None, "country": "XX", "amount": 8, "shipped": "2026-11-20", "lines": []},
]  # fmt: skip
ROWS = "".join(f"{json.dumps(row)}\n" for row in _ROWS)
