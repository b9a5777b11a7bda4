# Each series has the columns readers and AWS calls/min.
set terminal svg size 960,420 background 'white' font 'sans-serif,13'
set output path
set title "AWS calls a minute, over the number of readers\n{/*0.85 ".caption.'}'
set key top left reverse Left samplen 2
set grid xtics ytics back lt 1 lw 1 lc rgb '#dddddd', lt 1 lw 1 lc rgb '#dddddd'
set border 3
set tics nomirror
set xlabel 'readers'
set ylabel 'AWS calls/min'
set logscale xy 10
set format '%.0f'
set xrange [0.8:1500]
set yrange [10:1000000]
shown(x) = x >= 10000 ? sprintf('%d %03d', int(x/1000), int(x) % 1000) : sprintf('%.0f', x)
set style line 1 lc rgb '#0b6e4f' lw 2 pt 7 ps 0.6
set style line 2 lc rgb '#999999' lw 2 pt 5 ps 0.6
plot for [i=1:series] $curves index i-1 using 1:2 with linespoints ls i title columnheader(2), \
     for [i=1:series] $curves index i-1 using 1:2:(shown($2)) with labels offset 0,(i == 1 ? -1 : 1) notitle
