# One series with the columns load balancers, MiB, percent of a core, p99 in ms,
# seconds to the first list, seconds to all lists.
set terminal svg size 960,640 background 'white' font 'sans-serif,13'
set output path
set multiplot layout 2,2 title 'What a fleet costs: load balancers of 100 members each'
set grid xtics ytics back lt 1 lw 1 lc rgb '#dddddd', lt 1 lw 1 lc rgb '#dddddd'
set border 3
set tics nomirror
set xlabel 'load balancers'
set logscale x 10
set xrange [7:7000]
set yrange [0:*]
set style line 1 lc rgb '#0b6e4f' lw 2 pt 7 ps 0.6
set style line 2 lc rgb '#e08e45' lw 2 pt 9 ps 0.6

unset key
set title 'resident memory'
set ylabel 'MiB'
plot $curves using 1:2 with linespoints ls 1

set title 'processor time of refreshes'
set ylabel '% of one core'
plot $curves using 1:3 with linespoints ls 1

set title 'p99 of a list at 5,000 requests/s'
set ylabel 'ms'
plot $curves using 1:4 with linespoints ls 1

set title 'from the first request of a cold start'
set ylabel 's'
set yrange [*:*]
set logscale y 10
set key top left reverse Left samplen 2
plot $curves using 1:5 with linespoints ls 2 title 'until a named list is there', \
     $curves using 1:6 with linespoints ls 1 title 'until all lists are there'
unset multiplot
