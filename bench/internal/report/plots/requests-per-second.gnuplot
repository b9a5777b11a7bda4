# Each series is one bar, with the columns requests/s, least and most.
set terminal svg size 960,330 background 'white' font 'sans-serif,13'
set output path
set title "Lists of a load balancer with 20 members, per second\n{/*0.85 ".caption.'}'
set border 0
set key autotitle columnheader
unset key
unset ytics
unset xtics
set logscale x 10
set xrange [0.1:1000000]
set yrange [-series+0.1:0.9]
set lmargin 2
set rmargin 2
set style fill solid noborder
shown(x) = x >= 10000 ? sprintf('%d 000', int(x/1000 + 0.5)) : x >= 1000 ? sprintf('%d %03d', int(x/1000), int(x) % 1000) : sprintf(x >= 100 ? '%.0f' : x >= 10 ? '%.1f' : '%.2f', x)
colour(name) = name[1:5] eq 'lsapi' ? 0x0b6e4f : 0x999999
set label 1 'logarithmic scale' at graph 1, graph 0 right textcolor rgb '#777777' font ',11'
plot for [i=0:series-1] $curves index i using (0.1):(-i-0.18):(0.1):1:(-i-0.36):(-i):(colour(columnheader(1))) with boxxyerror notitle lc rgb variable, \
     for [i=0:series-1] $curves index i using (0.1):(-i+0.22):(columnheader(1)) with labels left, \
     for [i=0:series-1] $curves index i using 1:(-i-0.18):(shown($1)) with labels left offset 1,0
