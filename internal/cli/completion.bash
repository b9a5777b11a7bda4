__lsapi_init_completion()
{
    COMPREPLY=()
    words=() cword=0 cur="" prev=""
    local line=$COMP_LINE last="" blank word i end
    local -i n=-1
    for i in "${!COMP_WORDS[@]}"; do
        word=${COMP_WORDS[i]}
        blank=${line%%[![:space:]]*}
        line=${line#"$blank"}
        if (( n < 0 )) || [[ -n $blank || ! ( $word =~ ^[=:]+$ || $last =~ ^[=:]+$ ) ]]; then
            n+=1
            words[n]=""
        fi
        words[n]+=$word
        line=${line#"$word"}
        last=$word
        if (( i == COMP_CWORD )); then
            cword=$n
            cur=${words[n]}
            end=$(( ${#COMP_LINE} - ${#line} - COMP_POINT ))
            (( end > 0 && end <= ${#cur} )) && cur=${cur:0:${#cur}-end}
        fi
    done
    (( cword > 0 )) && prev=${words[cword-1]}
    return 0
}
