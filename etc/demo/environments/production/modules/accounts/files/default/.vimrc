set nocompatible expandtab shiftwidth=2 softtabstop=2
set ruler incsearch nobackup
syntax on
