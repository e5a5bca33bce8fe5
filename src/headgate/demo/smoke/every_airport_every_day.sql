-- Before readers see a release: on each day, each of the three airports has at least 100 departures.
-- (In January 2013 the fewest are 172.) A row is a violation.
SELECT d.year, d.month, d.day, o.origin, count(f.flight) AS departures
FROM (SELECT DISTINCT year, month, day FROM flights) AS d
CROSS JOIN (SELECT DISTINCT origin FROM flights) AS o
LEFT JOIN flights AS f ON f.year = d.year AND f.month = d.month AND f.day = d.day AND f.origin = o.origin
GROUP BY d.year, d.month, d.day, o.origin
HAVING count(f.flight) < 100
ORDER BY d.year, d.month, d.day, o.origin
