case $- in *i*) ;; *) return ;; esac
shopt -s histappend checkwinsize
PS1='\u@\h:\w\$ '
alias ll='ls -l'
