set nocompatible noexpandtab tabstop=8 shiftwidth=8
set number relativenumber
syntax on
