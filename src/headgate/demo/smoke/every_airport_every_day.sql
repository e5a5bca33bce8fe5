-- Before readers see a release: on each day, each of the three airports has at least 100 departures.
-- (In January 2013 the fewest are 172.) A row is a violation.
SELECT d.date, o.origin, count(f.flight) AS departures
FROM (SELECT DISTINCT year, month, day, make_date(year, month, day) AS date FROM flights) AS d
CROSS JOIN (SELECT DISTINCT origin FROM flights) AS o
LEFT JOIN flights AS f ON f.year = d.year AND f.month = d.month AND f.day = d.day AND f.origin = o.origin
GROUP BY d.date, o.origin
HAVING count(f.flight) < 100
ORDER BY d.date, o.origin
