# Each series has the columns connections, p50 and p99 in ms, requests/s.
set terminal svg size 960,420 background 'white' font 'sans-serif,13'
set output path
set multiplot layout 1,2 title 'A cached list, asked for as fast as it is answered (wrk on the same machine)'
set key top left reverse Left samplen 2
set grid xtics ytics back lt 1 lw 1 lc rgb '#dddddd', lt 1 lw 1 lc rgb '#dddddd'
set border 3
set tics nomirror
set xlabel 'connections'
set logscale x 2
set style line 1 lc rgb '#0b6e4f' lw 2 pt 7 ps 0.6
set style line 2 lc rgb '#999999' lw 2 pt 5 ps 0.6
set style line 3 lc rgb '#e08e45' lw 2 pt 9 ps 0.6

set title 'latency: p50 solid, p99 dashed'
set ylabel 'ms'
set logscale y 10
plot for [i=1:series] $curves index i-1 using 1:2 with linespoints ls i title columnheader(2), \
     for [i=1:series] $curves index i-1 using 1:3 with linespoints ls i dt 2 notitle

set title 'throughput'
set ylabel 'requests/s'
unset logscale y
set yrange [0:*]
set format y '%.0f'
set key bottom right noreverse Right
plot for [i=1:series] $curves index i-1 using 1:4 with linespoints ls i title columnheader(4)
unset multiplot
